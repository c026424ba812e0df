export { type Config, configReference, loadConfig } from './config.ts';
export { type ErrorCode, errorCodes, SimiliError } from './errors.ts';
export { refusalOf } from './graphql/cost/check.ts';
export { type Limits, storefrontLimits } from './graphql/cost/limits.ts';
export type { AdminGuard } from './graphql/guard.ts';
export type { GraphQLModule } from './graphql/host-copy.ts';
export { readMultipart } from './http/multipart.ts';
export { type OpenOptions, openSimili, type Simili } from './open.ts';
export { simili } from './plugin.ts';
export type { Authenticator, Caller, Credentials, KeyScope } from './ports/authenticator.ts';
export type { Clock } from './ports/clock.ts';
export type { Condition } from './ports/condition.ts';
export type {
  Encoded,
  Encoder,
  PictureEncoder,
  ProductEncoder,
  ProductFacts,
  ProductPictures,
} from './ports/encoder.ts';
export type { Extensions } from './ports/extensions.ts';
export type { FilterExtension } from './ports/filter-extension.ts';
export type { Candidate, Reranker } from './ports/reranker.ts';
export {
  type RetrainPlan,
  type RetrainPolicy,
  type SinceTraining,
  usualRetrainPolicy,
} from './ports/retrain-policy.ts';
export type { EmbeddingSpace } from './ports/space.ts';
export type { Attributes, CounterName, Span, SpanName, Telemetry } from './ports/telemetry.ts';
export type { Services } from './services.ts';
