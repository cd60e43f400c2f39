// The analysed frames of a clip: fetched in parts, edited, found by time.

import { ask } from "./ask.js";
import { biasOf, withoutBias } from "./baseline.js";

export const EMOTIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
export const UNSURE = "unsure";
export const VERDICTS = [...EMOTIONS, UNSURE];

export class Frames {
  constructor(url, edits, duration) {
    this.url = url;
    this.edits = edits;
    this.duration = duration; // of the clip, in seconds
    this.times = [];
    this.indices = [];
    this.cuts = []; // times
    this.found = []; // faces of each frame, as they were tracked
    this.faces = []; // of each frame, after the edits
    this.people = new Map(); // person -> [{time, seconds, frame, face}]
    this.hidden = new Map(); // the same for those who are hidden
    this.ranking = []; // the people, those who are seen longest first
    this.complete = false;
    this.biases = new Map(); // person -> bias of what is shown, see baseline.js
  }

  // Shows answers relative to what people show in a stretch, at rest; null shows them as they are.
  setNeutral(stretch, reference) {
    this.biases.clear();
    this.apply();
    if (!stretch) return;
    for (const [person, points] of this.people) {
      const samples = within(points, stretch.start, stretch.end).map(({ face }) => face.probabilities);
      if (samples.length) this.biases.set(person, biasOf(samples, reference));
    }
    this.apply();
  }

  relative(face) {
    const bias = this.biases.get(face.person);
    return bias ? judged({ ...face, probabilities: withoutBias(face.probabilities, bias) }) : face;
  }

  // Fetches what has come since; returns whether there is more to come.
  async update(signal, onTrouble) {
    const { content } = await ask(`${this.url}?from=${this.times.length}`, { signal, onTrouble });
    if (content.times.length || content.complete !== this.complete) this.add(content);
    return !this.complete;
  }

  // The numbers of all people that were tracked.
  tracked() {
    return new Set(this.found.flat().map(({ tracked }) => tracked));
  }

  add(part) {
    if (part.first !== this.times.length) return; // an answer to an earlier question
    this.times.push(...part.times);
    this.indices.push(...part.indices);
    this.cuts.push(...part.cuts);
    for (let i = 0; i < part.times.length; i++) this.found.push([]);
    for (const [frame, ...values] of part.faces) {
      const { person: tracked, ...face } = readFace(values);
      this.found[frame].push({ ...face, tracked });
    }
    this.complete = part.complete;
    this.apply();
  }

  // Applies the edits anew.
  apply() {
    const { edits, times } = this;
    this.faces = times.map(() => []);
    this.people = new Map();
    this.hidden = new Map();
    const kept = times.map((_, i) => i).filter((i) => !edits.isExcluded(times[i]));
    const seconds = durations(kept.map((i) => times[i]), edits.state.excluded, this.duration);
    kept.forEach((frame, i) => {
      const time = times[frame];
      const people = edits.peopleOf(this.found[frame], time);
      this.faces[frame] = this.found[frame].map((face, f) => this.relative({ ...face, person: people[f] }));
      for (const face of this.faces[frame]) {
        if (!this.people.has(face.person)) this.people.set(face.person, []);
        this.people.get(face.person).push({ time, seconds: seconds[i], frame, face });
      }
    });
    const least = edits.state.min_seconds;
    for (const [person, points] of this.people) {
      if (!edits.state.hidden.includes(person) && !(least && visible(points) < least - 1e-9)) continue;
      this.hidden.set(person, points);
      this.people.delete(person);
    }
    // Those who are seen longest first.
    const seen = [...this.people].map(([person, points]) => [person, visible(points)]);
    this.ranking = seen.sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([person]) => person);
    if (!this.hidden.size) return;
    for (const frame of kept) {
      this.faces[frame] = this.faces[frame].filter(({ person }) => !this.hidden.has(person));
    }
  }

  // Index of the last analysed frame that is not after a time; -1 before the first.
  last(time) {
    return lastNotAfter(this.times, time);
  }

  // The frame that is shown at a time, within a tolerance in seconds: what was found in it if it was
  // analysed, else what lies between the analysed frames around it.
  at(time, tolerance) {
    const before = this.last(time);
    const nearest = [before, before + 1].find((i) => Math.abs(this.times[i] - time) <= tolerance);
    if (nearest !== undefined) return { exact: true, frame: nearest, faces: this.faces[nearest] };
    if (before < 0) return { exact: false, frame: null, faces: [] };
    const after = before + 1;
    if (after >= this.times.length) return { exact: false, frame: null, faces: [] };
    const share = (time - this.times[before]) / (this.times[after] - this.times[before]);
    const faces = [];
    for (const face of this.faces[before]) {
      const next = this.faces[after].find((other) => other.person === face.person);
      if (next) faces.push(between(face, next, share));
    }
    return { exact: false, frame: null, faces };
  }

  // A person's probabilities at a time, of the analysed frame before it; null where he is not seen.
  valuesAt(person, time) {
    const points = this.people.get(person) ?? [];
    const i = lastNotAfter(points, time, (point) => point.time);
    return i >= 0 && time < points[i].time + points[i].seconds + 1e-6 ? points[i].face : null;
  }
}

// A face from its values in a message: person, box, sure, poor, probabilities in thousandths.
export function readFace([person, x, y, width, height, sure, poor, ...thousandths]) {
  const probabilities = thousandths.map((value) => value / 1000);
  return judged({ person, x, y, width, height, sure: !!sure, poor: !!poor, probabilities });
}

// A face with the verdict of its probabilities.
export function judged(face) {
  const top = face.probabilities.indexOf(Math.max(...face.probabilities));
  return { ...face, top, verdict: face.sure ? EMOTIONS[top] : UNSURE };
}

// Centred moving average of probabilities over a window in seconds, as in the Python API.
export function smoothed(points, window) {
  if (!window) return points.map(({ face }) => face.probabilities);
  let [first, next] = [0, 0];
  const sum = new Array(7).fill(0);
  return points.map(({ time }) => {
    for (; next < points.length && points[next].time <= time + window / 2 + 1e-9; next++) {
      points[next].face.probabilities.forEach((value, i) => (sum[i] += value));
    }
    for (; points[first].time < time - window / 2 - 1e-9; first++) {
      points[first].face.probabilities.forEach((value, i) => (sum[i] -= value));
    }
    return sum.map((value) => value / (next - first));
  });
}

function visible(points) {
  return points.reduce((sum, { seconds }) => sum + seconds, 0);
}

// Statistics of a person's frames: seconds, share of time by verdict, mean and highest probabilities.
export function statistics(points) {
  const total = visible(points);
  const weight = (seconds) => seconds / Math.max(total, 1e-9);
  const share = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0]));
  const mean = new Array(7).fill(0);
  const peak = EMOTIONS.map(() => ({ value: -1, time: 0 }));
  for (const { time, seconds, face } of points) {
    share[face.verdict] += weight(seconds);
    face.probabilities.forEach((value, i) => {
      mean[i] += weight(seconds) * value;
      if (value > peak[i].value) peak[i] = { value, time };
    });
  }
  return { seconds: total, share, mean, peak };
}

export function within(points, start, end) {
  return points
    .filter(({ time }) => start <= time && time < end)
    .map((point) => ({ ...point, seconds: Math.min(point.seconds, end - point.time) }));
}

// Seconds until the next frame or an excluded stretch; of the last one the median, and without any a
// second at most, as in the Python API.
function durations(times, excluded, duration) {
  const next = times.slice(1);
  const isWhole = (_, i) => !excluded.some(({ start }) => times[i] < start && start <= times[i + 1]);
  const sorted = next.map((time, i) => time - times[i]).filter(isWhole).sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  const left = (duration || Infinity) - times[times.length - 1];
  const last = sorted.length ? median : left > 0 ? Math.min(1, left) : 1;
  return times.map((time, i) => {
    const step = i < next.length ? next[i] - time : last;
    return Math.min(step, ...excluded.map(({ start }) => start - time).filter((gap) => gap > 0));
  });
}

function lastNotAfter(list, time, timeOf = (value) => value) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeOf(list[middle]) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function between(first, second, share) {
  const mixed = { ...(share < 0.5 ? first : second) };
  for (const name of ["x", "y", "width", "height"]) {
    mixed[name] = first[name] + share * (second[name] - first[name]);
  }
  return mixed;
}
