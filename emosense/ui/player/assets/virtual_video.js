// The clock of a recording without pictures: what the player asks of a <video>.

export class VirtualVideo extends EventTarget {
  #time = 0;
  #rate = 1;
  #since = null; // when it began to play, in milliseconds

  constructor(duration, signal) {
    super();
    this.duration = duration;
    this.muted = true;
    signal.addEventListener("abort", () => (this.#since = null));
  }

  get paused() {
    return this.#since === null;
  }

  get currentTime() {
    if (this.paused) return this.#time;
    const time = this.#time + ((performance.now() - this.#since) / 1000) * this.#rate;
    if (time < this.duration) return time;
    this.#time = this.duration;
    this.pause();
    return this.#time;
  }

  set currentTime(time) {
    this.#time = Math.min(Math.max(time, 0), this.duration);
    if (!this.paused) this.#since = performance.now();
  }

  get playbackRate() {
    return this.#rate;
  }

  set playbackRate(rate) {
    this.currentTime = this.currentTime;
    this.#rate = rate;
    this.dispatchEvent(new Event("ratechange"));
  }

  play() {
    if (this.currentTime >= this.duration) this.#time = 0;
    this.#since = performance.now();
    this.dispatchEvent(new Event("play"));
  }

  pause() {
    if (this.paused) return;
    const now = performance.now();
    this.#time = Math.min(this.duration, this.#time + ((now - this.#since) / 1000) * this.#rate);
    this.#since = null;
    this.dispatchEvent(new Event("pause"));
  }
}
