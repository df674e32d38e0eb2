import { createHash } from 'node:crypto';
import { plainTemplate } from './fields.js';
import { canonical, type JsonObject } from './json.js';
import { MAX_SET_NAME } from './names.js';

/** Lower-case letters and digits that spell no words; one byte chooses one of them. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const HASH_LENGTH = 9;

/**
 * The short hash of one pod template of one declaration: 9 characters, valid in a name and as a label value.
 * Nulls say nothing, so the webhook, which sees what a server writes, and the loop find the same one.
 * It only *names*: whether two templates are the same is decided by value ({@link sameJson}).
 */
export function revisionOf(declaration: string, template: JsonObject): string {
  const digest = createHash('sha256')
    .update(`${declaration}\n${canonical(plainTemplate(template))}`)
    .digest();
  return Array.from(digest.subarray(0, HASH_LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/**
 * The revision of the declaration's own pods. Never that of a revision set, though it may be made from the same template: while one
 * is drained and the other serves, a Service must be able to tell them apart.
 */
export function ownRevisionOf(declaration: string, template: JsonObject): string {
  return revisionOf(`${declaration}\n`, template);
}

/** Another name for a template whose own one is taken: pods that run under it are still ending, and so hold the names of new ones. */
export function otherRevisionOf(declaration: string, template: JsonObject, taken: string): string {
  return revisionOf(`${declaration}\n${taken}`, template);
}

/** Whether `text` could be a revision's hash. No word with a vowel is: `emqx-replicant-0` is no pod of a revision set. */
export function isRevision(text: string): boolean {
  return text.length === HASH_LENGTH && [...text].every((letter) => ALPHABET.includes(letter));
}

/** The part of a pod's name that its StatefulSet is called by; empty where there is none. */
export function setPartOf(podName: string): string {
  return podName.slice(0, Math.max(podName.lastIndexOf('-'), 0));
}

/** Name of the revision set `<declaration>-<revision>`, the declaration's part cut so that all fits in 52 characters. */
export function setNameOf(declaration: string, revision: string): string {
  const room = MAX_SET_NAME - revision.length - 1;
  return `${declaration.slice(0, room).replace(/[-.]+$/, '')}-${revision}`;
}
