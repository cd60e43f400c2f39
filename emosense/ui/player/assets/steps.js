// Steps of one frame. How long a frame lasts is not known in general: rates vary.

import { pause } from "./ask.js";

const MOMENT = 1e-3; // seconds: less than any frame lasts
const GRACE = 250; // milliseconds for a frame after the browser has sought: not all show the same one again
const ENOUGH = 8; // frames that tell whether the rate is constant
const CONSTANT = 0.2; // of a frame: what time stamps are rounded by

export class Steps {
  constructor(player) {
    this.player = player;
    this.wanted = 0; // steps to be made
    this.isRunning = false;
    this.turn = 0; // rises when something else moves the playhead
  }

  cancel() {
    this.wanted = 0;
    this.turn++;
  }

  // A key that is held does not gather more steps than can be shown.
  async take(count, isRepeat) {
    if (this.isRunning && isRepeat) return;
    this.wanted += count;
    if (this.isRunning) return;
    this.isRunning = true;
    while (this.wanted && !this.player.signal.aborted) {
      const direction = Math.sign(this.wanted);
      this.wanted -= direction;
      await this.step(direction);
    }
    this.isRunning = false;
  }

  async step(direction) {
    const { player } = this;
    const known = this.neighbour(direction);
    const step = this.constantStep() ?? (player.isExact ? null : 1 / player.data.framesPerSecond);
    if (known !== null) await this.look(known + player.into(known));
    else if (!player.hasVideo) return;
    else if (step !== null) await this.look(Math.max(0, player.time + direction * step + step / 4));
    else if (direction < 0) await this.look(Math.max(0, player.time - MOMENT));
    else await this.search();
  }

  // The time of the analysed frame beside the one that is shown; null where others may lie between.
  neighbour(direction) {
    const { frames, time, tolerance, hasVideo } = this.player;
    if (!hasVideo) return frames.times[frames.last(time) + direction] ?? null; // there are no others
    const { exact, frame } = frames.at(time, tolerance);
    if (!exact || frames.indices[frame + direction] !== frames.indices[frame] + direction) return null;
    return frames.times[frame + direction];
  }

  // Seconds from frame to frame, if the analysed ones show that they are the same all over the clip; else null.
  constantStep() {
    const { times, indices } = this.player.frames;
    if (this.judged?.count === times.length) return this.judged.step;
    const last = times.length - 1;
    let step = null;
    if (times.length >= ENOUGH) {
      step = (times[last] - times[0]) / (indices[last] - indices[0]);
      const isConstant = times.every((time, i) => Math.abs(time - times[0] - (indices[i] - indices[0]) * step) < CONSTANT * step);
      if (!isConstant) step = null;
    }
    this.judged = { count: times.length, step };
    return step;
  }

  // The next frame: a later one is looked for, and whether another lies before it.
  async search() {
    const { player, turn } = this;
    const { time: from } = player;
    const end = player.video.duration - player.offset;
    let found = from;
    for (let reach = 1.25 / player.data.framesPerSecond; found < from + MOMENT; reach *= 1.5) {
      found = await this.look(Math.min(from + reach, end));
      if (turn !== this.turn) return;
      if (from + reach >= end) break;
    }
    while (found > from + MOMENT) {
      const before = await this.look(found - MOMENT);
      if (turn !== this.turn) return;
      if (before < from + MOMENT || before >= found) break;
      found = before;
    }
    await this.look(found + MOMENT);
  }

  // Goes to a time, and returns that of the frame that is shown then.
  async look(time) {
    const { player, turn } = this;
    const { video } = player;
    if (!player.isExact) {
      player.moveTo(time);
      player.show(video.currentTime);
      return player.time;
    }
    const asked = performance.now();
    const events = new AbortController();
    const ended = new Promise((resolve) => {
      for (const name of ["seeked", "emptied", "error"]) video.addEventListener(name, resolve, { signal: events.signal });
    });
    const shown = new Promise((resolve) => {
      const onFrame = (now, { presentationTime }) =>
        presentationTime >= asked ? resolve() : video.requestVideoFrameCallback(onFrame);
      video.requestVideoFrameCallback(onFrame);
    });
    player.moveTo(time);
    await ended;
    events.abort();
    if (turn === this.turn) await Promise.race([shown, pause(GRACE, player.signal)]);
    return player.time;
  }
}
