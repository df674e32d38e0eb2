import { createHash } from 'node:crypto';
import type { EventPicture, Origin, PageMessage } from '../../lib/page/messages.js';
import { placeOf, type SeenBlueGreen } from './blue-green.js';
import type { Board } from './board.js';
import { pictureOf, summaryOf } from './picture.js';

/** Lines of the list; whoever has more has the names at hand. */
const MOST_LISTED = 500;

/** What the page is told of all BlueGreens: those in an upgrade first, when the list is too long for all. */
export function messageOfAll(board: Board, origin: Origin): PageMessage {
  const all = board.all().map(summaryOf);
  const listed =
    all.length > MOST_LISTED ? [...all].sort((a, b) => Number(b.isUpgrading) - Number(a.isUpgrading)) : all;
  const blueGreens = listed.slice(0, MOST_LISTED);
  return { kind: 'all', ...origin, blueGreens, more: all.length - blueGreens.length };
}

/** What the page is told of one, and the mark to go on from. */
export function messageOfOne(
  board: Board,
  { namespace, name, after }: { namespace: string; name: string; after: string },
  { origin, events }: { origin: Origin; events: EventPicture[] | undefined },
): { message: PageMessage; mark: string } {
  const place = placeOf({ namespace, name });
  const seen = board.one(place);
  const { isWhole, list, mark } = board.samplesAfter(place, after);
  const { history, ...picture } = seen ? pictureOf(seen, origin.atMs) : {};
  const told = seen ? markOfHistory(seen) : '';
  const message: PageMessage = {
    kind: 'one',
    ...origin,
    ...('name' in picture && { picture }),
    ...(history && told !== after.split('.')[2] && { history }),
    samples: { isWhole, list },
    ...(events && { events }),
  };
  return { message, mark: `${mark}.${told}` };
}

/** What is told of records that have ended does not change but with these; the same to every replica. */
function markOfHistory({ status: { history = [] } }: SeenBlueGreen): string {
  const records = history.map(({ id, startedAt, finishedAt, steps = [] }) =>
    [id, startedAt, finishedAt, steps.length].join(),
  );
  return createHash('sha256').update(records.join(' ')).digest('hex').slice(0, 8);
}
