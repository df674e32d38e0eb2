import { span, type Line } from './paint.js';

/** Rows of cells under headers, two spaces apart; a column that is empty in every row is left out. */
export function columns(headers: readonly string[], rows: readonly Line[]): Line[] {
  const used = headers.map((_, at) => rows.some((row) => (row[at]?.text ?? '') !== ''));
  const table: Line[] = [headers.map((header) => span(header, 'faint')), ...rows];
  const widths = headers.map((_, at) => Math.max(...table.map((row) => row[at]?.text.length ?? 0)));
  return table.map((row) =>
    headers.flatMap((_, at) => {
      const { text = '', tone = 'plain' } = row[at] ?? {};
      return used[at] ? [span(text.padEnd(widths[at] ?? 0), tone), span('  ')] : [];
    }),
  );
}
