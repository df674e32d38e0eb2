/** What the programs say to people, read from their sources. */
import { globSync, readFileSync } from 'node:fs';
import ts from 'typescript';

/** One text of a program, what stands between its values: `${name} has ${count} pods` is ` has `, ` pods`. */
export interface Text {
  file: string;
  /** As it is written, each value as `…`. */
  shown: string;
  pieces: string[];
}

/** Every text of two words and more in these files that may come before people: none of log lines, of errors thrown, of types. */
export function textsOf(files: readonly string[]): Text[] {
  return files.flatMap((pattern) => globSync(pattern).sort()).flatMap(textsIn);
}

function textsIn(file: string): Text[] {
  const found: Text[] = [];
  visit(file, (node) => {
    if (ts.isImportDeclaration(node) || ts.isTypeNode(node) || ts.isThrowStatement(node)) return 'skip';
    if (ts.isCallExpression(node) && isLogCall(node)) return 'skip';
    const pieces = piecesOf(node);
    if (!pieces) return 'enter';
    const shown = pieces.join('…');
    if (/[a-z)…] [a-z(…]/i.test(shown) && /[a-z]{3}/i.test(pieces.join(' ')))
      found.push({ file, shown, pieces: pieces.map((one) => one.trim()).filter(Boolean) });
    return 'enter';
  });
  return found;
}

function piecesOf(node: ts.Node): string[] | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return [node.text];
  if (!ts.isTemplateExpression(node)) return undefined;
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];
}

/** The constant messages of warnings and errors in a program's log, with the level. */
export function logLinesOf(files: readonly string[]): { level: string; message: string }[] {
  const found: { level: string; message: string }[] = [];
  for (const file of files.flatMap((pattern) => globSync(pattern))) {
    visit(file, (node) => {
      if (!ts.isCallExpression(node) || !isLogCall(node)) return 'enter';
      const level = (node.expression as ts.PropertyAccessExpression).name.text;
      const message = node.arguments.find((each) => ts.isStringLiteral(each));
      if (message) found.push({ level, message: message.text });
      return 'enter';
    });
  }
  return found;
}

/** The keys of the values that the programs log, as far as they are written there. */
export function logKeysOf(files: readonly string[]): string[] {
  const keys = new Set<string>();
  for (const file of files.flatMap((pattern) => globSync(pattern))) {
    visit(file, (node) => {
      const isChild = ts.isCallExpression(node) && /\blog\.child$/.test(node.expression.getText());
      if (!ts.isCallExpression(node) || !(isChild || isLogCall(node))) return 'enter';
      for (const values of node.arguments.filter((each) => ts.isObjectLiteralExpression(each)))
        for (const property of values.properties) {
          // Nobody can tell what is spread, but for whose it is.
          if (!/^\.\.\.placeOf\(/.test(property.getText())) keys.add((property.name ?? property).getText());
        }
      return 'enter';
    });
  }
  return [...keys].sort();
}

const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'];

function isLogCall({ expression }: ts.CallExpression): boolean {
  return (
    ts.isPropertyAccessExpression(expression) &&
    LEVELS.includes(expression.name.text) &&
    /(^|\.)log$/.test(expression.expression.getText())
  );
}

/** The members of a type that is a union of words. */
export function wordsOfType(file: string, name: string): string[] {
  const words: string[] = [];
  visit(file, (node) => {
    if (!ts.isTypeAliasDeclaration(node) || node.name.text !== name) return 'enter';
    ts.forEachChild(node.type, (member) => {
      if (ts.isLiteralTypeNode(member) && ts.isStringLiteral(member.literal)) words.push(member.literal.text);
    });
    return 'skip';
  });
  return words;
}

/** Values of properties of that name that are words in capitals: `reason: 'DrainGaveUp'`; and those of a constant object. */
export function reasonsOf(files: readonly string[], { constant }: { constant: string }): string[] {
  const reasons = new Set<string>();
  const add = (node: ts.Node | undefined): void => {
    if (node && ts.isStringLiteral(node) && /^[A-Z]/.test(node.text)) reasons.add(node.text);
    else if (node && ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(add);
  };
  for (const file of files.flatMap((pattern) => globSync(pattern))) {
    visit(file, (node) => {
      if (ts.isPropertyAssignment(node) && node.name.getText() === 'reason') add(node.initializer);
      if (ts.isVariableDeclaration(node) && node.name.getText() === 'reason') add(node.initializer);
      if (ts.isVariableDeclaration(node) && node.name.getText() === constant && node.initializer)
        ts.forEachChild(
          node.initializer,
          (entry) => ts.isPropertyAssignment(entry) && add(entry.initializer),
        );
      return 'enter';
    });
  }
  return [...reasons].sort();
}

function visit(file: string, look: (node: ts.Node) => 'enter' | 'skip'): void {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const each = (node: ts.Node): void => {
    if (look(node) === 'enter') ts.forEachChild(node, each);
  };
  ts.forEachChild(source, each);
}
