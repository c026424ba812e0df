/** Contracts of the seams (docs/extending.md), for the tests of whoever implements one. */
export { authenticatorContract } from './authenticator.ts';
export type { Check } from './check.ts';
export { clockContract } from './clock.ts';
export { encoderContract, sampleProducts } from './encoder.ts';
export { filterContract } from './filter.ts';
export { rerankerContract } from './reranker.ts';
export { retrainPolicyContract } from './retrain-policy.ts';
export { telemetryContract } from './telemetry.ts';
