// Answers relative to a person's own neutral face; emosense/video/baseline.py says how and why.

const LEAST = 1e-6;

// Mean log-odds of probabilities of a person whose face is at rest, minus those of neutral faces in general.
export function biasOf(samples, reference) {
  const sums = new Array(reference.length).fill(0);
  for (const probabilities of samples) {
    centredLog(probabilities).forEach((value, i) => (sums[i] += value / samples.length));
  }
  return sums.map((value, i) => value - reference[i]);
}

export function withoutBias(probabilities, bias) {
  const logits = centredLog(probabilities).map((value, i) => value - bias[i]);
  const top = Math.max(...logits);
  const weights = logits.map((value) => Math.exp(value - top));
  const total = weights.reduce((sum, value) => sum + value, 0);
  return weights.map((value) => value / total);
}

function centredLog(probabilities) {
  const logs = probabilities.map((value) => Math.log(Math.max(value, LEAST)));
  const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
  return logs.map((value) => value - mean);
}
