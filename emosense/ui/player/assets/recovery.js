// What follows when the browser reports an error of the clip: why it is told, and the clip is loaded again
// where that may help.

import { GONE, pause, pauseAfter } from "./ask.js";

export class Recovery {
  constructor(player) {
    this.player = player;
    this.reset();
    const { video, signal } = player;
    video.addEventListener("error", () => this.explain(), { signal });
    for (const name of ["loadeddata", "playing"]) video.addEventListener(name, () => this.reset(), { signal });
  }

  reset() {
    this.failures = 0;
    this.refusals = 0; // by the browser, of a file that the server sends
    this.player.say(null);
  }

  async explain() {
    const { player } = this;
    const { code } = player.video.error ?? {};
    if (!code || code === MediaError.MEDIA_ERR_ABORTED) return;
    if (code === MediaError.MEDIA_ERR_DECODE) {
      player.say("The browser cannot decode this clip any further.");
      return;
    }
    this.failures++;
    const response = await fetch(player.video.src, { method: "HEAD", signal: player.signal }).catch(() => null);
    if (player.signal.aborted) return;
    if (GONE.includes(response?.status)) {
      player.say("This clip is no longer here.");
      return;
    }
    // The same code stands for a format that is not known and for a connection that failed at the start.
    if (response?.ok && code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED && ++this.refusals > 1) {
      player.say("The browser cannot play this file.");
      return;
    }
    player.say("The clip could not be loaded: it is asked for again.");
    await pause(pauseAfter(this.failures), player.signal);
    if (!player.signal.aborted && player.video.error) this.reload();
  }

  // After an error nothing moves before the clip is loaded again.
  revive() {
    if (this.player.video.error?.code === MediaError.MEDIA_ERR_DECODE) this.reload();
  }

  reload() {
    const { player } = this;
    const { paused } = player.video;
    player.video.load();
    if (player.offset !== null) player.moveTo(player.time);
    if (!paused) player.play();
  }
}
