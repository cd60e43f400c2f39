// The analysed frames of a clip: fetched in parts, found by time.

export const EMOTIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
export const UNSURE = "unsure";

// Okabe and Ito's colours, as everywhere in the app, are given by the page's style sheet.
export class Frames {
  constructor(url) {
    this.url = url;
    this.times = [];
    this.indices = [];
    this.faces = []; // of each frame
    this.people = new Map(); // person -> [{time, frame, face}]
    this.complete = false;
  }

  // Fetches what has come since; returns whether there is more to come.
  async update(signal) {
    const response = await fetch(`${this.url}?from=${this.times.length}`, { signal });
    if (!response.ok) throw new Error(await response.text());
    this.add(await response.json());
    return !this.complete;
  }

  add(part) {
    if (part.first !== this.times.length) return; // an answer to an earlier question
    this.times.push(...part.times);
    this.indices.push(...part.indices);
    for (let i = 0; i < part.times.length; i++) this.faces.push([]);
    for (const [frame, person, x, y, width, height, sure, ...thousandths] of part.faces) {
      const probabilities = thousandths.map((value) => value / 1000);
      const top = probabilities.indexOf(Math.max(...probabilities));
      const verdict = sure ? EMOTIONS[top] : UNSURE;
      const face = { person, x, y, width, height, sure: !!sure, probabilities, top, verdict };
      this.faces[frame].push(face);
      if (!this.people.has(person)) this.people.set(person, []);
      this.people.get(person).push({ frame, time: this.times[frame], face });
    }
    this.complete = part.complete;
  }

  // Index of the last analysed frame that is not after a time; -1 before the first.
  last(time) {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
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
}

function between(first, second, share) {
  const mixed = { ...(share < 0.5 ? first : second) };
  for (const name of ["x", "y", "width", "height"]) {
    mixed[name] = first[name] + share * (second[name] - first[name]);
  }
  return mixed;
}
