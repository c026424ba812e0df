import type { Random } from '@simili/learning/numbers/random';

/**
 * Lloyd's algorithm from centres spread by k-means++ (Arthur and Vassilvitskii 2007). A cluster left empty takes the row
 * farthest from its centre, so that all `k` stay in use while there are that many different rows.
 * @param rows [n, d] row-major, n >= 1
 * @param options.iterations most rounds of Lloyd; ends earlier once no row changes its cluster. 0: the start alone
 * @returns the centres, [k, d] row-major; some are equal where there are fewer than `k` different rows
 * @throws Error when the sizes do not agree
 */
export function kMeans(
  rows: Float32Array,
  d: number,
  k: number,
  random: Random,
  options: { iterations?: number } = {},
): Float32Array {
  const n = rows.length / d;
  if (!(Number.isInteger(n) && n >= 1)) throw new Error(`${rows.length} values are not rows of ${d}`);
  if (!(Number.isInteger(k) && k >= 1)) throw new Error(`${k} is no number of clusters`);
  const centres = spreadCentres(rows, d, k, random);
  const owners = new Int32Array(n).fill(-1);
  const distances = new Float64Array(n);
  for (let round = options.iterations ?? 25; round > 0; round--) {
    if (!assign(rows, centres, d, owners, distances)) break;
    moveCentres(rows, centres, d, owners, distances);
  }
  return centres;
}

/** Index of the centre with the least Euclidean distance to `row` [d]; the first of equals. `centres` [k, d]. */
export function nearestCentre(row: Float32Array, centres: Float32Array, d: number): number {
  return nearest(row, 0, centres, d).index;
}

function nearest(rows: Float32Array, offset: number, centres: Float32Array, d: number) {
  let index = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let from = 0, centre = 0; from < centres.length; from += d, centre++) {
    let sum = 0;
    // A sum only grows: most centres are ruled out before their last value. Asking seldom costs less.
    for (let i = 0; i < d && sum < least; ) {
      for (const end = Math.min(d, i + 16); i < end; i++) {
        const difference = rows[offset + i]! - centres[from + i]!;
        sum += difference * difference;
      }
    }
    if (sum < least) {
      least = sum;
      index = centre;
    }
  }
  return { index, distance: least };
}

/** k-means++: every next centre is a row drawn by its squared distance to the centres so far. */
function spreadCentres(rows: Float32Array, d: number, k: number, random: Random): Float32Array {
  const n = rows.length / d;
  const centres = new Float32Array(k * d);
  const distances = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  let chosen = random.int(n);
  for (let centre = 0; centre < k; centre++) {
    const own = rows.subarray(chosen * d, (chosen + 1) * d);
    centres.set(own, centre * d);
    let total = 0;
    for (let row = 0; row < n; row++) {
      distances[row] = Math.min(distances[row]!, nearest(rows, row * d, own, d).distance);
      total += distances[row]!;
    }
    // Without distance every row is a centre already: any will do.
    chosen = total > 0 ? drawBy(distances, total, random) : random.int(n);
  }
  return centres;
}

/** An index drawn with a chance proportional to its weight; `total` > 0 is the sum of the weights. */
function drawBy(weights: Float64Array, total: number, random: Random): number {
  let rest = random.next() * total;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i]! === 0) continue;
    last = i;
    rest -= weights[i]!;
    if (rest < 0) break;
  }
  return last;
}

/** Gives every row to its nearest centre. @returns whether any row changed its cluster. */
function assign(
  rows: Float32Array,
  centres: Float32Array,
  d: number,
  owners: Int32Array,
  distances: Float64Array,
): boolean {
  let changed = false;
  for (let row = 0; row < owners.length; row++) {
    const { index, distance } = nearest(rows, row * d, centres, d);
    changed ||= owners[row] !== index;
    owners[row] = index;
    distances[row] = distance;
  }
  return changed;
}

/** Moves every centre to the mean of its rows, and one without rows to the row that is worst off. */
function moveCentres(
  rows: Float32Array,
  centres: Float32Array,
  d: number,
  owners: Int32Array,
  distances: Float64Array,
): void {
  const counts = new Int32Array(centres.length / d);
  const sums = new Float64Array(centres.length);
  owners.forEach((owner, row) => {
    counts[owner] = counts[owner]! + 1;
    for (let i = 0; i < d; i++) sums[owner * d + i] = sums[owner * d + i]! + rows[row * d + i]!;
  });
  counts.forEach((count, centre) => {
    const own = centres.subarray(centre * d, (centre + 1) * d);
    if (count > 0) {
      for (let i = 0; i < d; i++) own[i] = sums[centre * d + i]! / count;
      return;
    }
    const worst = distances.reduce((best, distance, row) => (distance > distances[best]! ? row : best), 0);
    if (distances[worst] === 0) return;
    own.set(rows.subarray(worst * d, (worst + 1) * d));
    // It has a centre of its own now: the next empty cluster takes another row.
    distances[worst] = 0;
  });
}
