// Draws by Zipf's law: the key of rank r is drawn in proportion to 1/r. Which key has which rank is chance,
// since api_keys are random.

/** `draws` indices below `count`. */
export function zipfOrder(count: number, draws: number): Uint32Array {
  const sums = new Float64Array(count);
  let total = 0;
  for (let rank = 1; rank <= count; rank++) {
    total += 1 / rank;
    sums[rank - 1] = total;
  }
  return Uint32Array.from({ length: draws }, () => firstAtLeast(sums, Math.random() * total));
}

function firstAtLeast(sums: Float64Array, value: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
