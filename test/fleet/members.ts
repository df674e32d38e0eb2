/** Who is in the fleet: a pure function of a client's number, so that any two runs of one size are alike. */
export interface Member {
  /** From 0. */
  index: number;
  clientId: string;
  protocolVersion: 4 | 5;
  /** Keeps its session (MQTT 3.1.1: clean session off; 5: clean start off and an expiry) and subscribes at QoS 1. */
  isPersistent: boolean;
  /** Sends messages to the persistent ones. Never persistent itself. */
  isPublisher: boolean;
  /** The topic that belongs to this client alone. */
  topic: string;
}

/**
 * @param clients how many, at least 1
 * @param publishers how many of the clients that keep no session also publish; fewer if there are fewer
 * @param run goes into client ids and topics; letters, digits and dashes
 */
export function fleetMembers(clients: number, publishers: number, run: string): Member[] {
  let publishersLeft = publishers;
  return Array.from({ length: clients }, (_, index) => {
    // All four mixes of version and persistence follow one another, so each is a quarter of any long run of clients.
    const isPersistent = index % 4 >= 2;
    const isPublisher = !isPersistent && publishersLeft-- > 0;
    const clientId = `fleet-${run}-${index}`;
    return {
      index,
      clientId,
      protocolVersion: index % 2 === 0 ? 5 : 4,
      isPersistent,
      isPublisher,
      topic: `fleet/${run}/${index}`,
    };
  });
}
