// Changes one number at a time that a shop's business depends on, runs the tests nearest to it, and puts it back: a change
// that no test notices is told at the end, with exit status 1. `node scripts/mutate-numbers.mjs [WORD]` takes those alone
// whose name has the word. Needs no service.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const feedback = { file: 'src/db/feedback.ts', tests: ['test/integration/storage.test.ts', '-t', 'feedback'] };
const days = { ...feedback, file: 'src/db/feedback-days.ts' };
const worth = { file: 'src/feedback-worth.ts', tests: ['test/unit/src/feedback-worth.test.ts'] };
const clicks = {
  file: 'workers/training/triplets/clicks.ts',
  tests: ['test/unit/workers/training/triplets/clicks.test.ts'],
};
const credibility = {
  file: 'learning/relevance/credibility.ts',
  tests: ['test/unit/learning/relevance/credibility.test.ts'],
};
const shares = {
  file: 'workers/training/fusion/mixture.ts',
  tests: ['test/unit/workers/training/fusion/mixture.test.ts'],
};
const gates = { file: 'workers/evaluation/gates.ts', tests: ['test/unit/workers/evaluation/gates.test.ts'] };
const lists = {
  file: 'workers/evaluation/list-changes.ts',
  tests: ['test/unit/workers/evaluation/list-changes.test.ts'],
};
const judged = {
  file: 'workers/evidence/judged-days.ts',
  tests: ['test/unit/workers/evidence/judged-days.test.ts'],
};
const policy = { file: 'src/ports/retrain-policy.ts', tests: ['test/unit/src/ports/usual-retrain-policy.test.ts'] };
const propensity = {
  file: 'learning/relevance/propensity.ts',
  tests: ['test/unit/learning/relevance/propensity.test.ts'],
};
const search = ['test/unit/src/db/search/repository.test.ts'];
const statement = { file: 'src/db/search/statement.ts', tests: search };
const rounds = { file: 'src/db/search/repository.ts', tests: search };
const categories = {
  file: 'src/db/category-indexes.ts',
  tests: ['test/unit/src/db/category-indexes.test.ts'],
};
const effort = { file: 'src/db/search/effort.ts', tests: ['test/unit/src/db/search/effort.test.ts'] };
const categoryTests = ['test/integration/category-indexes.test.ts'];
const measured = { file: 'src/db/indexes/measured-candidates.ts', tests: categoryTests };
const categoryRanked = { file: 'src/db/indexes/category-candidates.ts', tests: categoryTests };
const binary = { file: 'src/db/search/statement.ts', tests: ['test/integration/binary-index.test.ts'] };
const manyLists = { file: 'src/db/search/many-lists.ts', tests: categoryTests };
const neighbourLists = { file: 'src/db/search/list-sql.ts', tests: ['test/integration/neighbour-lists.test.ts'] };
const keptLists = {
  file: 'src/db/search/neighbour-lists.ts',
  tests: ['test/unit/src/db/search/neighbour-lists.test.ts'],
};
const ranking = { file: 'src/db/search/one.ts', tests: search };
const maintenance = { file: 'workers/handlers/maintenance.ts', tests: ['test/integration/maintenance.test.ts'] };
const jobs = { file: 'src/db/jobs.ts', tests: ['test/integration/handlers.test.ts', ...maintenance.tests] };
const clickThrough = {
  file: 'src/feedback/click-through.ts',
  tests: ['test/unit/src/feedback/click-through.test.ts'],
};
const list = { file: 'src/similarity/recommendation-id.ts', tests: ['test/unit/src/similarity/tokens.test.ts'] };
const storage = {
  file: 'workers/embedding/choose-storage.ts',
  tests: ['test/unit/workers/embedding/choose-storage.test.ts'],
};
const fallback = { file: 'src/db/fallback.ts', tests: ['test/integration/fallback.test.ts', '-t', 'PGlite'] };
const page = { file: 'src/similarity/page-arguments.ts', tests: ['test/unit/src/similarity/similar-items.test.ts'] };
const near = {
  file: 'src/similarity/distinct-pictures.ts',
  tests: ['test/integration/distinct-pictures.test.ts', '-t', 'PGlite'],
};
const lastKnown = { file: 'src/similarity/last-known.ts', tests: ['test/unit/src/similarity/last-known.test.ts'] };
const bots = {
  file: 'src/db/bot-rules.ts',
  tests: ['test/integration/bot-rules.test.ts', '-t', 'twenty|tenth|each rule|impression of the days'],
};
const submit = { file: 'src/feedback/submit.ts', tests: ['test/unit/src/feedback/submit.test.ts'] };
const mixture = {
  file: 'workers/training/fusion/mixture.ts',
  tests: ['test/unit/workers/training/fusion/mixture.test.ts'],
};
const choice = { file: 'workers/training/head/choice.ts', tests: ['test/unit/workers/training/head/choice.test.ts'] };
const split = { file: 'learning/metrics/split.ts', tests: ['test/unit/learning/metrics/split.test.ts'] };
const retry = { file: 'workers/jobs/retry-plan.ts', tests: ['test/unit/workers/jobs/retry-plan.test.ts'] };
const first = { file: 'workers/jobs/first-models.ts', tests: ['test/unit/workers/jobs/first-models.test.ts'] };
const set = {
  file: 'workers/evidence/training-set.ts',
  tests: ['test/unit/workers/evidence/training-set.test.ts', ...first.tests],
};
const impression = { file: 'client/impression.ts', tests: ['test/unit/client/impression.test.ts'] };
const outbox = { file: 'client/outbox.ts', tests: ['test/unit/client/outbox.test.ts'] };
const looking = {
  file: 'src/similarity/look-at-picture.ts',
  tests: ['test/unit/src/similarity/look-at-picture.test.ts'],
};
const pictureToken = {
  file: 'src/similarity/picture-token.ts',
  tests: ['test/unit/src/similarity/picture-token.test.ts'],
};
const recall = {
  file: 'src/similarity/recall-audit.ts',
  tests: ['test/unit/src/similarity/recall-audit.test.ts'],
};
const config = { file: 'src/config.ts', tests: ['test/unit/src/config.test.ts'] };

/** `from` becomes `to`, everywhere in the file. */
export const mutations = [
  {
    name: 'share that a mirror may remove',
    file: 'cli/import/mirror.ts',
    tests: ['test/integration/import.test.ts', '-t', 'mirror'],
    from: 'MOST_REMOVED = 10',
    to: 'MOST_REMOVED = 12',
  },
  {
    name: 'pictures of an export that are taken',
    file: 'src/catalog/import/product.ts',
    tests: ['test/unit/src/catalog/import/shop-catalogs.test.ts', '-t', 'products_export_1'],
    from: 'image: 10, tags',
    to: 'image: 9, tags',
  },
  { name: 'value of a cart', ...worth, from: 'cart: 3', to: 'cart: 4' },
  { name: 'value of a purchase', ...worth, from: 'purchase: 6', to: 'purchase: 7' },
  { name: 'value of a dismissal', ...worth, from: 'dismiss: -1', to: 'dismiss: -2' },
  { name: 'half-life of feedback', ...worth, from: 'halfLifeDays: 180', to: 'halfLifeDays: 90' },
  { name: 'weight of filtered lists', ...days, from: 'FILTERED_WEIGHT = 0.5', to: 'FILTERED_WEIGHT = 0.6' },
  { name: 'cap of a visitor', ...days, from: 'MOST_PURCHASES = 2', to: 'MOST_PURCHASES = 3' },
  {
    name: 'cap of a visitor and anchor',
    ...days,
    from: 'MOST_PURCHASES_OF_ANCHOR = 1',
    to: 'MOST_PURCHASES_OF_ANCHOR = 2',
  },
  { name: 'cap of sightings', ...days, from: 'MOST_SEEN = 1000', to: 'MOST_SEEN = 1500' },
  { name: 'visitors of a list', ...feedback, from: 'MOST_VISITORS = 10', to: 'MOST_VISITORS = 11' },
  { name: 'age of events without a list', ...submit, from: 'OLDEST_DAYS = 30', to: 'OLDEST_DAYS = 31' },
  {
    name: 'days in which a list leads to a purchase',
    file: 'src/db/without-list.ts',
    tests: ['test/integration/storage.test.ts', '-t', 'PGlite.*event without a list'],
    from: 'OUTCOME_DAYS = 30',
    to: 'OUTCOME_DAYS = 31',
  },
  {
    name: 'events that may have led to a purchase',
    file: 'src/db/without-list.ts',
    tests: ['test/integration/without-list.test.ts', '-t', 'PGlite'],
    from: 'MOST_LOOKED_THROUGH = 2000',
    to: 'MOST_LOOKED_THROUGH = 2001',
  },
  { name: 'bots: fewest who act', ...bots, from: 'FEWEST_ACTING = 20', to: 'FEWEST_ACTING = 21' },
  { name: 'bots: most who break a rule', ...bots, from: 'MOST_BREAKING = 0.1;', to: 'MOST_BREAKING = 0.13;' },
  { name: 'bots: fewest actions', ...bots, from: 'FEWEST_ACTIONS = 5', to: 'FEWEST_ACTIONS = 4' },
  { name: 'bots: clicks a minute', ...bots, from: 'MOST_A_MINUTE = 30', to: 'MOST_A_MINUTE = 31' },
  { name: 'bots: haste', ...bots, from: 'HASTE_SECONDS = 1;', to: 'HASTE_SECONDS = 1.1;' },
  { name: 'bots: fewest repeats', ...bots, from: 'FEWEST_REPEATS = 10', to: 'FEWEST_REPEATS = 9' },
  { name: 'bots: days of an impression', ...bots, from: 'LIST_DAYS = 7', to: 'LIST_DAYS = 6' },
  { name: 'bots: hasty share', ...bots, from: 'MOST_HASTY = 0.5', to: 'MOST_HASTY = 0.51' },
  { name: 'bots: repeated share', ...bots, from: 'MOST_REPEATED = 0.5', to: 'MOST_REPEATED = 0.51' },
  { name: 'bots: unseen share', ...bots, from: 'MOST_UNSEEN = 0.8', to: 'MOST_UNSEEN = 0.77' },
  { name: 'bots: pushed share', ...bots, from: 'MOST_PUSHED = 0.6', to: 'MOST_PUSHED = 0.55' },
  {
    name: 'clock skew of events',
    ...submit,
    file: 'src/feedback/refusal.ts',
    from: 'SKEW_MINUTES = 5',
    to: 'SKEW_MINUTES = 6',
  },
  {
    name: 'fewest people who are shown',
    file: 'src/fewest-people.ts',
    tests: ['test/integration/click-through.test.ts', '-t', 'PGlite.*fewer than twenty'],
    from: 'FEWEST_PEOPLE = 20',
    to: 'FEWEST_PEOPLE = 19',
  },
  {
    name: 'interval of click-through',
    file: 'src/rate.ts',
    tests: ['test/unit/src/rate.test.ts'],
    from: 'Z = 1.959964',
    to: 'Z = 2',
  },
  {
    name: 'days of feedback health',
    file: 'src/feedback/health.ts',
    tests: ['test/integration/feedback-health.test.ts', '-t', 'PGlite'],
    from: 'MOST_DAYS = 90',
    to: 'MOST_DAYS = 91',
  },
  {
    name: 'flush of counts',
    file: 'src/feedback/count.ts',
    tests: ['test/unit/src/feedback/count.test.ts'],
    from: 'FLUSH_MS = 2000',
    to: 'FLUSH_MS = 2500',
  },
  { name: 'days of click-through', ...clickThrough, from: 'MOST_DAYS = 400', to: 'MOST_DAYS = 401' },
  { name: 'versions of click-through', ...clickThrough, from: 'MOST_VERSIONS = 100', to: 'MOST_VERSIONS = 101' },
  {
    name: 'placements of a catalog',
    file: 'src/placement.ts',
    tests: ['test/integration/feedback-days.test.ts', '-t', 'PGlite.*twenty placements'],
    from: 'MOST_PLACEMENTS = 20',
    to: 'MOST_PLACEMENTS = 21',
  },
  {
    name: 'length of a placement',
    file: 'src/placement.ts',
    tests: ['test/unit/src/similarity/similar-items.test.ts'],
    from: 'LONGEST = 40',
    to: 'LONGEST = 41',
  },
  {
    name: 'places of click-through',
    ...clickThrough,
    file: 'src/db/click-through.ts',
    from: 'MOST_PLACES = 50',
    to: 'MOST_PLACES = 51',
  },
  { name: 'days of a list', ...list, from: 'VALID_DAYS = 7', to: 'VALID_DAYS = 8' },
  { name: 'share of an impression', ...impression, from: 'SHARE = 0.5', to: 'SHARE = 0.4' },
  { name: 'time of an impression', ...impression, from: 'MILLISECONDS = 1000', to: 'MILLISECONDS = 900' },
  { name: 'events that wait in a browser', ...outbox, from: 'MOST_WAITING = 1000', to: 'MOST_WAITING = 999' },
  { name: 'days of a waiting event', ...outbox, from: 'LIFETIME_MS = 7 *', to: 'LIFETIME_MS = 8 *' },
  { name: 'events of a call', ...outbox, from: 'EVENTS_A_CALL = 100', to: 'EVENTS_A_CALL = 99' },
  { name: 'recall of halves', ...storage, from: 'LEAST_RECALL = 0.99', to: 'LEAST_RECALL = 0.98' },
  { name: 'sample of halves', ...storage, from: 'SAMPLE = 10_000', to: 'SAMPLE = 9_000' },
  { name: 'anchors of halves', ...storage, from: 'ANCHORS = 50', to: 'ANCHORS = 40' },
  { name: 'days of what is popular', ...fallback, from: 'DAYS = 28', to: 'DAYS = 27' },
  { name: 'most popular products', ...fallback, from: 'MOST_POPULAR = 1000', to: 'MOST_POPULAR = 999' },
  { name: 'page by default', ...page, from: 'DEFAULT_FIRST = 12', to: 'DEFAULT_FIRST = 10' },
  {
    name: 'most anchors',
    file: 'src/similarity/anchors.ts',
    tests: ['test/unit/src/similarity/anchors.test.ts'],
    from: 'MOST_ANCHORS = 20',
    to: 'MOST_ANCHORS = 21',
  },
  { name: 'largest page', ...page, from: 'MOST_FIRST = 50', to: 'MOST_FIRST = 60' },
  {
    name: 'score of a distance',
    ...page,
    file: 'src/similarity/placed-list.ts',
    from: 'distance / 4',
    to: 'distance / 2',
  },
  {
    name: 'candidates of a reranker',
    file: 'src/similarity/rerank.ts',
    tests: ['test/unit/src/similarity/rerank.test.ts'],
    from: 'CANDIDATES = 50',
    to: 'CANDIDATES = 60',
  },
  { name: 'near-duplicates of a picture', ...near, from: 'NEAR = 0.4;', to: 'NEAR = 0.35;' },
  { name: 'minutes of a last answer', ...lastKnown, from: '5 * 60_000', to: '6 * 60_000' },
  { name: 'ties', ...ranking, from: '[3, 50, 1000]', to: '[3, 40, 1000]' },
  { name: 'narrowest ties', ...ranking, from: '[3, 50, 1000]', to: '[0, 50, 1000]' },
  { name: 'looks into several spaces', ...ranking, file: 'src/db/search/fused.ts', from: '[50, 400,', to: '[50, 300,' },
  { name: 'scan order', ...statement, from: 'strict_order', to: 'relaxed_order' },
  { name: 'products of one round', ...rounds, from: 'MOST_OF_ONE_ROUND = 60', to: 'MOST_OF_ONE_ROUND = 61' },
  { name: 'candidates', ...effort, from: '[100, 200, 400, 500, 750, 1000]', to: '[40, 200, 400, 1000]' },
  { name: 'candidates under a filter', ...effort, from: 'FOR_ALL = 0.9', to: 'FOR_ALL = 0.6' },
  {
    name: 'candidates within a category',
    ...effort,
    from: 'few: 150',
    to: 'few: 100',
  },
  { name: 'candidates within a large category', ...effort, from: 'many: 400', to: 'many: 500' },
  { name: 'ranked as a whole', ...categories, from: 'mostRanked: 25_000', to: 'mostRanked: 20_000' },
  {
    name: 'ranked as a whole, by the catalog',
    ...categories,
    from: 'mostRankedByRoot: 50',
    to: 'mostRankedByRoot: 60',
  },
  { name: 'measured candidates', ...effort, from: 'EFFORTS_WITHIN = [200,', to: 'EFFORTS_WITHIN = [300,' },
  { name: 'enough of the nearest', ...measured, from: 'LEAST_RECALL = 0.985', to: 'LEAST_RECALL = 0.8' },
  { name: 'ranked as its index finds too little', ...categoryRanked, from: 'RANKED = 125_000', to: 'RANKED = 100_000' },
  { name: 'lists as far as was measured', ...manyLists, from: 'MOST_AS_MEASURED = 4', to: 'MOST_AS_MEASURED = 5' },
  { name: 'candidates of many lists', ...manyLists, from: 'QUICK = 400', to: 'QUICK = 500' },
  { name: 'binary index, beyond those wanted', ...binary, from: 'measured, 2 * wanted', to: 'measured, wanted' },
  { name: 'fewest of a category', ...categories, from: 'fewest: 1000', to: 'fewest: 2000' },
  { name: 'most of a category', ...categories, from: 'mostShare: 0.45', to: 'mostShare: 0.5' },
  { name: 'most categories', ...categories, from: 'most: 16', to: 'most: 8' },
  { name: 'ranked one by one', ...effort, from: 'greatest(4000,', to: 'greatest(5000,' },
  { name: 'ranked one by one, large catalog', ...effort, from: '25 * sqrt(', to: '50 * sqrt(' },
  { name: 'nearest within a sample', ...effort, from: 'WITHIN_SAMPLE = 2', to: 'WITHIN_SAMPLE = 3' },
  {
    name: 'sample of a category',
    ...effort,
    file: 'src/db/search/parts.ts',
    from: 'SAMPLED = 500',
    to: 'SAMPLED = 400',
  },
  { name: 'vectors since a list', ...neighbourLists, from: 'MOST_SINCE = 200', to: 'MOST_SINCE = 250' },
  { name: 'fewer since a list', ...neighbourLists, from: 'MOST_SINCE = 200', to: 'MOST_SINCE = 150' },
  {
    name: 'share for lists',
    ...neighbourLists,
    file: 'src/db/search/list-kinds.ts',
    from: 'LEAST_SHARE = 0.5',
    to: 'LEAST_SHARE = 0.7',
  },
  {
    name: 'parts of lists',
    ...keptLists,
    from: '[17, 29, 55, 64]',
    to: '[14, 29, 55, 64]',
  },
  { name: 'least of a sample', ...effort, from: 'FEWEST_SAMPLED = 200', to: 'FEWEST_SAMPLED = 100' },
  { name: 'prior strength of clicks', ...clicks, from: 'PRIOR_STRENGTH = 10;', to: 'PRIOR_STRENGTH = 100;' },
  { name: 'flat prior', ...clicks, from: 'strength: 0.5', to: 'strength: 1' },
  { name: 'weight of low places', ...clicks, from: 'CLIP = 10', to: 'CLIP = 12' },
  {
    name: 'triplets a vote',
    ...clicks,
    file: 'learning/relevance/relevance.ts',
    from: 'Math.floor(actions)',
    to: 'Math.floor(2 * actions)',
  },
  { name: 'triplets an anchor', ...clicks, from: 'PER_ANCHOR = 40', to: 'PER_ANCHOR = 50' },
  { name: 'room for noise', ...clicks, from: 'STANDARD_ERRORS = 1', to: 'STANDARD_ERRORS = 1.2' },
  { name: 'fewest votes', ...clicks, from: 'FEWEST_VOTES = 0.25', to: 'FEWEST_VOTES = 0.2' },
  { name: 'fewest impressions', ...clicks, from: 'FEWEST_IMPRESSIONS = 0.01', to: 'FEWEST_IMPRESSIONS = 0.02' },
  { name: 'choices for half of the credibility', ...credibility, from: 'HALF = 200', to: 'HALF = 250' },
  { name: 'credibility in batches', ...credibility, from: 'MOST_OF_BATCHES = 0.5', to: 'MOST_OF_BATCHES = 0.6' },
  { name: 'credibility in the fusion', ...credibility, from: 'MOST_OF_FUSION = 1', to: 'MOST_OF_FUSION = 0.9' },
  { name: 'shares of shops', ...shares, from: 'SHARES_OF_SHOPS = 0.03', to: 'SHARES_OF_SHOPS = 0.035' },
  { name: 'prior of the propensity', ...propensity, from: 'mean: 0.3', to: 'mean: 0.4' },
  { name: 'deviation of the propensity', ...propensity, from: 'deviation: 0.25', to: 'deviation: 0.3' },
  { name: 'greatest propensity', ...propensity, from: 'GREATEST = 2', to: 'GREATEST = 3' },
  { name: 'judged days', ...judged, from: 'MOST_DAYS = 7', to: 'MOST_DAYS = 8' },
  { name: 'judged days: enough', ...judged, from: 'ENOUGH = 1000', to: 'ENOUGH = 999' },
  { name: 'judged days: share', ...judged, from: 'MOST_SHARE = 0.2', to: 'MOST_SHARE = 0.25' },
  { name: 'tolerance', ...gates, from: 'TOLERANCE = 0.02', to: 'TOLERANCE = 0.025' },
  { name: 'tolerance with clicks', ...gates, from: 'TOLERANCE_WITH_CLICKS = 0.1', to: 'TOLERANCE_WITH_CLICKS = 0.11' },
  { name: 'most with clicks', ...gates, from: 'MOST_WITH_CLICKS = 0.15', to: 'MOST_WITH_CLICKS = 0.16' },
  { name: 'least spread', ...gates, from: 'LEAST_SPREAD = 0.1', to: 'LEAST_SPREAD = 0.05' },
  { name: 'tolerance of rate', ...gates, from: 'TOLERANCE_OF_RATE = 0.05', to: 'TOLERANCE_OF_RATE = 0.06' },
  {
    name: 'fewest anchors of a gate',
    ...gates,
    file: 'workers/evaluation/measure.ts',
    from: 'FEWEST_ANCHORS = 10',
    to: 'FEWEST_ANCHORS = 9',
  },
  {
    name: 'fewest triplets',
    ...gates,
    file: 'workers/evaluation/measure.ts',
    from: 'FEWEST_TRIPLETS = 50',
    to: 'FEWEST_TRIPLETS = 40',
  },
  { name: 'list changes: lists', ...lists, from: 'MOST_ANCHORS = 100', to: 'MOST_ANCHORS = 101' },
  { name: 'list changes: examples', ...lists, from: 'EXAMPLES = 3', to: 'EXAMPLES = 4' },
  {
    name: 'list changes: places',
    ...lists,
    file: 'workers/evaluation/nearest.ts',
    from: 'FIRST_PLACES = 12',
    to: 'FIRST_PLACES = 13',
  },
  {
    name: 'anchors of choices a view',
    file: 'workers/evaluation/rate.ts',
    tests: ['test/unit/workers/evaluation/rate.test.ts'],
    from: 'FEWEST_ANCHORS = 20',
    to: 'FEWEST_ANCHORS = 21',
  },
  { name: 'share of choices that retrains', ...policy, from: 'CHOICES_SHARE = 0.05', to: 'CHOICES_SHARE = 0.06' },
  { name: 'share of products that retrains', ...policy, from: 'PRODUCTS_SHARE = 0.2', to: 'PRODUCTS_SHARE = 0.25' },
  { name: 'share of lists asked again', ...config, from: 'share(0.01)', to: 'share(0.02)' },
  { name: 'recall of the alarm', ...config, from: 'share(0.95)', to: 'share(0.9)' },
  { name: 'searches by a picture a second', ...config, from: 'rate(0.5)', to: 'rate(1)' },
  { name: 'pictures that wait', ...looking, from: 'MOST_WAITING = 16', to: 'MOST_WAITING = 20' },
  { name: 'age of a picture token', ...pictureToken, from: 'VALID_MS = 3_600_000', to: 'VALID_MS = 7_200_000' },
  { name: 'neighbours of recall', ...recall, from: 'COMPARED = 10', to: 'COMPARED = 12' },
  { name: 'hours of recall', ...recall, from: 'HOURS = 24', to: 'HOURS = 23' },
  { name: 'choices that retrain', ...config, from: '.default(500)', to: '.default(400)' },
  { name: 'kept versions', ...maintenance, from: 'KEEP_STANDBY = 2', to: 'KEEP_STANDBY = 3' },
  { name: 'silence of a worker', ...jobs, from: 'STALE_AFTER_SECONDS = 8', to: 'STALE_AFTER_SECONDS = 6' },
  { name: 'attempts of a job', ...jobs, from: 'MAX_ATTEMPTS = 5', to: 'MAX_ATTEMPTS = 4' },
  { name: 'share of the encoder', ...mixture, from: 'ENCODER_PRIOR = 2 / 3', to: 'ENCODER_PRIOR = 1 / 2' },
  { name: 'share of the network', ...mixture, from: 'NETWORK_PRIOR = 0.4', to: 'NETWORK_PRIOR = 0.5' },
  {
    name: 'choices that teach a head',
    file: 'workers/training/head/index.ts',
    tests: ['test/unit/workers/training/head/candidates.test.ts'],
    from: 'FEWEST_CHOSEN = 100',
    to: 'FEWEST_CHOSEN = 101',
  },
  { name: 'beyond doubt', ...choice, from: 'BEYOND_DOUBT = 2', to: 'BEYOND_DOUBT = 1.5' },
  { name: 'products to train on', ...split, from: 'share < 0.7', to: 'share < 0.6' },
  { name: 'products held out', ...split, from: 'share < 0.8', to: 'share < 0.9' },
  { name: 'tries of a picture', ...retry, from: 'MOST_TRIES = 14', to: 'MOST_TRIES = 10' },
  { name: 'products of a first model', ...set, from: 'GOLDEN: 2', to: 'GOLDEN: 3' },
  { name: 'products of a network', ...set, from: 'NETWORK: 20', to: 'NETWORK: 30' },
  { name: 'quiet before a first model', ...first, from: 'QUIET_SECONDS = 15', to: 'QUIET_SECONDS = 30' },
  { name: 'quiet before untried', ...first, from: 'UNTRIED_SECONDS = 120', to: 'UNTRIED_SECONDS = 60' },
];

/** @returns whether a test failed under the mutation. */
function isNoticed({ file, from, to, tests }) {
  const path = `${root}/${file}`;
  const source = readFileSync(path, 'utf8');
  if (!source.includes(from)) throw new Error(`${file} has no ${from}`);
  const restore = () => writeFileSync(path, source);
  process.once('exit', restore); // also when it is stopped
  try {
    writeFileSync(path, source.replaceAll(from, to));
    const args = ['vitest', 'run', ...tests, '--bail', '1', '--reporter', 'dot'];
    const { status } = spawnSync('npx', args, { cwd: root, stdio: 'ignore' });
    if (status === null) process.exit(130); // stopped
    return status !== 0;
  } finally {
    restore();
    process.off('exit', restore);
  }
}

/** Tests that fail without any mutation would notice all of them. */
function checkTests(chosen) {
  for (const tests of new Set(chosen.map(({ tests }) => tests))) {
    const { status } = spawnSync('npx', ['vitest', 'run', ...tests, '--reporter', 'dot'], {
      cwd: root,
      stdio: 'ignore',
    });
    if (status !== 0) throw new Error(`${tests.join(' ')} fails as it is`);
  }
}

function main([word = '']) {
  process.on('SIGINT', () => process.exit(130));
  const chosen = mutations.filter(({ name }) => name.includes(word));
  checkTests(chosen);
  const survivors = chosen.filter((mutation) => {
    const noticed = isNoticed(mutation);
    const { name, from, to, file } = mutation;
    process.stdout.write(`${noticed ? 'noticed ' : 'SURVIVED'}  ${name}: ${from} → ${to} (${file})\n`);
    return !noticed;
  });
  process.stdout.write(`${chosen.length} numbers changed, ${survivors.length} unnoticed\n`);
  process.exitCode = survivors.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
