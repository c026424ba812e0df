import type {
  Distillation,
  InfoNce,
  Loss,
  MultiSimilarity,
  ProxyCost,
  Softmax,
  TripletHinge,
} from '../../learning/losses/loss.ts';

export type Cost = { loss: number; activeShare: number };

/**
 * The losses of learning/losses/loss.ts by plain sums over float64.
 * @param rows the embeddings; of the softmax, its logits
 * @param proxies of unit length, where the loss has some
 */
export function lossOf(loss: Loss, rows: number[][], proxies: number[][] = []): Cost {
  const own = rankingOf(loss, rows);
  return loss.proxies ? { ...own, loss: own.loss + proxyCost(loss.proxies, rows, proxies) } : own;
}

function proxyCost({ labels, temperature, weight }: ProxyCost, rows: number[][], proxies: number[][]): number {
  const costs = rows.flatMap((row, i) => {
    if (labels[i]! < 0) return [];
    const powers = proxies.map((proxy) => Math.exp(dot(row, proxy) / temperature));
    return [-Math.log(powers[labels[i]!]! / total(powers))];
  });
  return weight * mean(costs);
}

function rankingOf(loss: Loss, rows: number[][]): Cost {
  switch (loss.kind) {
    case 'tripletHinge':
      return tripletHinge(loss, rows);
    case 'infoNce':
      return infoNce(loss, rows);
    case 'multiSimilarity':
      return multiSimilarity(loss, rows);
    case 'softmax':
      return softmax(loss, rows);
    case 'distillation':
      return distillation(loss, rows);
  }
}

function tripletHinge({ gaps }: TripletHinge, rows: number[][]): Cost {
  const triplets = rows.length / 3;
  const costs = Array.from(gaps, (gap, i) => {
    const [q, p, n] = [rows[i]!, rows[triplets + i]!, rows[2 * triplets + i]!];
    return Math.max(0, gap + squaredDistance(q, p) - squaredDistance(q, n));
  });
  return { loss: mean(costs), activeShare: mean(costs.map((cost) => (cost > 0 ? 1 : 0))) };
}

function infoNce({ temperature, targets }: InfoNce, rows: number[][]): Cost {
  const n = rows.length;
  const indices = rows.map((_, i) => i);
  const costs = indices.flatMap((i) => {
    const target = targets.subarray(i * n, (i + 1) * n);
    if (target.every((value) => value === 0)) return [];
    const others = indices.filter((j) => j !== i);
    const powers = others.map((j) => Math.exp(dot(rows[i]!, rows[j]!) / temperature));
    const probabilities = powers.map((power) => power / total(powers));
    return [
      {
        loss: -total(others.map((j, at) => target[j]! * Math.log(probabilities[at]!))),
        activeShare: total(others.map((j, at) => (target[j]! > 0 ? 0 : probabilities[at]!))),
      },
    ];
  });
  return averaged(costs);
}

function multiSimilarity({ alpha, beta, base, pairs }: MultiSimilarity, rows: number[][]): Cost {
  const n = rows.length;
  return averaged(
    rows.map((row, i) => {
      const among = (sign: number) => rows.filter((_, j) => pairs[i * n + j] === sign).map((other) => dot(row, other));
      const [positive, negative] = [among(1), among(-1)];
      const pull = Math.log(1 + total(positive.map((s) => Math.exp(-alpha * (s - base))))) / alpha;
      const push = Math.log(1 + total(negative.map((s) => Math.exp(beta * (s - base))))) / beta;
      return { loss: pull + push, activeShare: Math.max(...negative) > Math.min(...positive) ? 1 : 0 };
    }),
  );
}

function softmax({ labels }: Softmax, rows: number[][]): Cost {
  return averaged(
    rows.map((logits, i) => {
      const powers = logits.map(Math.exp);
      const probability = powers[labels[i]!]! / total(powers);
      return { loss: -Math.log(probability), activeShare: 1 - probability };
    }),
  );
}

/** Rows one by one, in no common way with InfoNCE. */
function distillation({ temperature, targets, vectors, regression }: Distillation, rows: number[][]): Cost {
  const [n, d] = [rows.length, rows[0]!.length];
  return averaged(
    rows.map((row, i) => {
      const powers = rows.map((other, j) => (i === j ? 0 : Math.exp(dot(row, other) / temperature)));
      const student = powers.map((power) => power / total(powers));
      const teacher = [...targets.subarray(i * n, (i + 1) * n)];
      const relation = -total(teacher.map((share, j) => (share === 0 ? 0 : share * Math.log(student[j]!))));
      return {
        loss: relation + regression * squaredDistance(row, [...vectors.subarray(i * d, (i + 1) * d)]),
        activeShare: total(student.map((share, j) => Math.abs(share - teacher[j]!))) / 2,
      };
    }),
  );
}

const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);
const mean = (values: number[]) => (values.length === 0 ? 0 : total(values) / values.length);
const dot = (a: number[], b: number[]) => total(a.map((value, i) => value * b[i]!));
const squaredDistance = (a: number[], b: number[]) => total(a.map((value, i) => (value - b[i]!) ** 2));
const averaged = (costs: Cost[]): Cost => ({
  loss: mean(costs.map(({ loss }) => loss)),
  activeShare: mean(costs.map(({ activeShare }) => activeShare)),
});
