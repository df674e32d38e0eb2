import type { Api } from '../http.js';

/**
 * Port 18083 of EMQX 4: the dashboard's pages. Its `/api/v4` is for the dashboard's users and takes no application's
 * secret; of `/api/v5` and `/status` it knows nothing.
 */
export const v4Dashboard: Api = {
  isStatus: () => false,
  broken: () => ({ status: 500, text: 'Internal Error' }),
  answer: (_request, { pathname }) => {
    if (pathname === '/') {
      const headers = { 'content-type': 'text/html' };
      return Promise.resolve({ status: 200, text: '<html><title>Dashboard</title></html>', headers });
    }
    if (pathname.startsWith('/api/v4/')) {
      const headers = { 'www-authenticate': 'Basic Realm="minirest-server"' };
      return Promise.resolve({ status: 401, text: 'UNAUTHORIZED', headers });
    }
    return Promise.resolve({ status: 404 });
  },
};
