/** The number below which so large a part of all numbers lies: 0.5 is the median, 1 the largest. */
export const share = (numbers: number[], part: number): number => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
};
