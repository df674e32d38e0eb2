import { createServer, type Socket } from 'node:net';
import { Channel, type ChannelHost } from './channel.js';

/** An open MQTT port. */
export interface Listener {
  /** Closes the port and drops every connection on it. */
  close(): void;
}

export async function listen(
  address: { readonly host: string; readonly port: number },
  host: ChannelHost,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    new Channel(socket, host);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...address, backlog: 1_024 }, resolve);
  });
  return {
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroySoon();
    },
  };
}
