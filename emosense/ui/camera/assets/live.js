// The answers of the last minute, as the timeline reads them; smoothing; how fast answers come.

import { judged } from "../../player/assets/frames.js";

export const MINUTE = 60;

const FEWEST = 3; // answers from which on their pace is known
const RECENT = 2000; // milliseconds

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
    const elapsed = last ? time - last.time : -1;
    // Less than 0 when the camera's times have begun anew: what was before has nothing to say then.
    if (this.seconds && elapsed >= 0 && elapsed < 4 * this.seconds) {
      const keep = Math.exp(-elapsed / this.seconds);
      probabilities = probabilities.map((value, i) => keep * last.probabilities[i] + (1 - keep) * value);
    }
    this.last.set(face.person, { time, probabilities });
    return this.seconds ? judged({ ...face, probabilities }) : face;
  }
}

// How fast answers come: those of the last two seconds, and the last three where they come more slowly.
export class Pace {
  constructor() {
    this.clear();
  }

  clear() {
    this.answers = []; // {at, delay}, in milliseconds
  }

  add(at, delay) {
    this.answers.push({ at, delay });
    while (this.answers.length > FEWEST && this.answers[0].at < at - RECENT) this.answers.shift();
  }

  get isKnown() {
    return this.answers.length >= FEWEST;
  }

  get perSecond() {
    const { answers } = this;
    return (1000 * (answers.length - 1)) / (answers.at(-1).at - answers[0].at);
  }

  // The median.
  get delay() {
    const delays = this.answers.map(({ delay }) => delay).sort((a, b) => a - b);
    return delays[delays.length >> 1];
  }
}
