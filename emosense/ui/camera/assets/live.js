// The answers of the last minute, as the timeline reads them; smoothing.

import { judged } from "../../player/assets/frames.js";

export const MINUTE = 60;

export class LiveFrames {
  constructor() {
    this.clear();
  }

  clear() {
    this.times = [];
    this.cuts = [];
    this.people = new Map(); // person -> [{time, face}]
  }

  add(time, faces) {
    this.times.push(time);
    for (const face of faces) {
      if (!this.people.has(face.person)) this.people.set(face.person, []);
      this.people.get(face.person).push({ time, face });
    }
    const from = time - MINUTE;
    if (this.times[0] >= from - 5) return; // in portions of five seconds
    this.times = this.times.filter((other) => other >= from);
    for (const [person, points] of this.people) {
      const kept = points.filter((point) => point.time >= from);
      if (kept.length) this.people.set(person, kept);
      else this.people.delete(person);
    }
  }
}

// Exponential moving average of each person's probabilities, by a time constant in seconds.
export class Smoothing {
  constructor(seconds) {
    this.seconds = seconds;
    this.last = new Map(); // person -> {time, probabilities}
  }

  apply(time, face) {
    const last = this.last.get(face.person);
    let { probabilities } = face;
    if (this.seconds && last && time - last.time < 4 * this.seconds) {
      const keep = Math.exp(-(time - last.time) / this.seconds);
      probabilities = probabilities.map((value, i) => keep * last.probabilities[i] + (1 - keep) * value);
    }
    this.last.set(face.person, { time, probabilities });
    return this.seconds ? judged({ ...face, probabilities }) : face;
  }
}
