// A certified OpenID Connect provider (npm: oidc-provider) under the paths of one Entra tenant, on loopback.
// Reads its configuration as JSON from standard input and prints its port once it listens.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import Provider from 'oidc-provider';

const given = JSON.parse(readFileSync(0, 'utf8'));
const prefix = `/${given.tenant}/v2.0`;
const server = https.createServer({ key: given.key, cert: given.cert });

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const scope = `https://localhost:${port}/.default`;
  const provider = new Provider(`https://localhost:${port}${prefix}`, {
    clients: given.clients.map((client) => ({ response_types: [], redirect_uris: [], ...client })),
    scopes: ['openid', 'profile', 'offline_access', scope],
    features: { clientCredentials: { enabled: true }, deviceFlow: { enabled: true } },
    issueRefreshToken: async () => true,
    findAccount: async (_, sub) => ({
      accountId: sub,
      claims: async () => ({ sub, oid: sub, tid: given.tenant, preferred_username: sub }),
    }),
    conformIdTokenClaims: false,
    claims: { openid: ['sub', 'oid', 'tid', 'preferred_username'] },
    cookies: { keys: ['test'] },
  });
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.url.startsWith(prefix)) {
      request.originalUrl = request.url;
      request.url = request.url.slice(prefix.length) || '/';
    }
    answer(request, response);
  });
  console.log(port);
});
process.stdin.on('close', () => process.exit(0));
