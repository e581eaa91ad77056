// Binary search in ascending numbers.

/** The first place in [low, high) of `values` whose value is at least `wanted`; `high` if none. */
export function lowerBound(values, wanted, low = 0, high = values.length) {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The same, of `values[order[k]]`. */
export function lowerBoundBy(order, values, wanted, low, high) {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[order[middle]] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
