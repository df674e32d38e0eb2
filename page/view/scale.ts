/** From values to places on a chart, and the places of its ticks. Pure. */

/** A window of time, milliseconds since the epoch. */
export interface Span {
  fromMs: number;
  toMs: number;
}

/** A linear scale from `[from, to]` onto `[start, end]`. */
export function scale(
  [from, to]: [number, number],
  [start, end]: [number, number],
): (value: number) => number {
  const width = to - from || 1;
  return (value) => start + ((value - from) / width) * (end - start);
}

/** Round values from 0 to at least `most`, about as many as asked for. */
export function ticksTo(most: number, about: number): number[] {
  const raw = Math.max(1, most) / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= raw) ?? raw);
  const count = Math.max(1, Math.ceil(most / step));
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

const STEPS_SECONDS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400];

/** Seconds after `zeroMs` that are round, at most so many in the window. */
export function timeTicks({ fromMs, toMs }: Span, zeroMs: number, most: number): number[] {
  const seconds = (toMs - fromMs) / 1000;
  const step = STEPS_SECONDS.find((one) => seconds / one <= most) ?? Math.ceil(seconds / most);
  const first = Math.ceil((fromMs - zeroMs) / 1000 / step) * step;
  const last = Math.floor((toMs - zeroMs) / 1000 / step) * step;
  return Array.from({ length: Math.max(0, (last - first) / step + 1) }, (_, index) => first + index * step);
}

/** Moves labels apart that would lie on each other, as little as it takes; in the order of their places. */
export function apart(places: readonly number[], gap: number, [least, most]: [number, number]): number[] {
  const order = places.map((place, index) => ({ place, index })).sort((a, b) => a.place - b.place);
  let floor = least;
  const down = order.map((one) => {
    const place = Math.max(one.place, floor);
    floor = place + gap;
    return { ...one, place };
  });
  let ceiling = most;
  const moved = [...places];
  for (const { place, index } of down.reverse()) {
    moved[index] = Math.min(place, ceiling);
    ceiling = (moved[index] ?? 0) - gap;
  }
  return moved;
}
