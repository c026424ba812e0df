import { loadNativeBackend, reportOn } from './backend.ts';

/** Child process of `tensorflowBackends`: loads the native package named in its argument and sends a BackendReport. */
const name = process.argv[2] ?? '';
const report = await reportOn(name, () => loadNativeBackend(name));
process.send?.(report, () => process.exit(0));
