/** Table of a model version's vectors. `model` is our own serial number, never a caller's text. @throws RangeError */
export function embeddingTable(model: number): string {
  if (!Number.isSafeInteger(model) || model < 1) throw new RangeError(`model number ${model}`);
  return `simili.embedding_${model}`;
}
