import { usualAuthenticator } from '../src/api-keys.ts';
import { patiencesOf } from '../src/deadline.ts';
import { retrainSettingsOf } from '../src/jobs/retrain-policy.ts';
import { loadKeys } from '../src/keys.ts';
import { startServer } from '../src/server.ts';
import { makeServices } from '../src/services.ts';
import { auditSettingsOf } from '../src/similarity/recall.ts';
import type { App } from './app.ts';

/** The HTTP server over an open app. `newAdminKey`: the key, when it was generated just now. */
export async function serveApi({ config, log, repositories, queue, extensions }: App) {
  const keys = await loadKeys(repositories.installation, config);
  const services = makeServices({
    repositories,
    queue,
    log,
    signingKey: keys.signingKey,
    extensions,
    now: () => repositories.clock.now(),
    patience: patiencesOf(config),
    retraining: retrainSettingsOf(config),
    exploring: config.SIMILI_EXPLORE_SHARE,
    auditing: auditSettingsOf(config),
  });
  const { adminKeyHash, newAdminKey } = keys;
  const authenticator = extensions.authenticator ?? usualAuthenticator({ adminKeyHash, apiKeys: repositories.apiKeys });
  const server = await startServer({ services, repositories, config, log, authenticator });
  return { ...server, newAdminKey };
}
