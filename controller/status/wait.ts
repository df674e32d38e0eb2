import type { BlueGreenStatus } from '../../lib/types.js';

type Wait = NonNullable<BlueGreenStatus['waitingFor']>;

/**
 * What is waited for, and since when: since before, while it is still the same.
 * @param about without figures that change while the wait goes on
 */
export function waitOf(about: string, previous: Wait | undefined, nowMs: number): Wait {
  const since = previous?.what === about ? previous.since : undefined;
  return { what: about, since: since ?? new Date(nowMs).toISOString() };
}

/** A message without the figures that stand alone: those in names, versions and addresses say what it is about. */
export function gistOf(message: string): string {
  return message.replace(/(?<![\w.:/-])\d+(?![\w.:/-])/g, '#');
}

/** The message with the time in words; seconds are enough for people. */
export function withSince(message: string, { since }: Wait): string {
  return `${message} (since ${since.replace(/\.\d+Z$/, 'Z')})`;
}
