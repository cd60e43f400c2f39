// The player: the clip, a canvas above it that draws the analysis of the very frame shown, and a timeline.

import { ask } from "./ask.js";
import { colourOf } from "./colours.js";
import { element, patch } from "./dom.js";
import { Edits } from "./edits.js";
import { Exports } from "./exports.js";
import { EMOTIONS, Frames } from "./frames.js";
import { icon, setIcon } from "./icons.js";
import { drawOverlay } from "./overlay.js";
import { People } from "./people.js";
import { Recovery } from "./recovery.js";
import { Segments } from "./segments.js";
import { Steps } from "./steps.js";
import { clock, Timeline } from "./timeline.js";
import { VirtualVideo } from "./virtual_video.js";

const POLL = 700; // milliseconds between questions for new frames
const EXACT = "requestVideoFrameCallback" in HTMLVideoElement.prototype;
const SPEEDS = [0.25, 0.5, 1, 2, 4];
const BANDS = 12; // people with a band in the timeline: those who are seen longest
const CONTROLS = "button:not(:disabled), input:not([hidden], :disabled), select:not(:disabled), a, summary";
const TEXTS = "input:not([type=checkbox]), textarea";
const WINDOWS = [[0, "raw"], [0.5, "mean of 0.5 s"], [1, "mean of 1 s"]];

// Whether a key does something of its own in an element.
function isKeyOf(target, key) {
  if (target.matches("select")) return true;
  if (target.matches("button, summary, input")) return key === " ";
  return target.matches(".table") && [" ", "Home", "End", "ArrowLeft", "ArrowRight"].includes(key);
}

// onEdit is called after each change of the edits, once it is saved.
export function start(element, data, onEdit) {
  const abort = new AbortController();
  const player = new Player(element, data, abort.signal, onEdit);
  player.load();
  const stop = () => {
    abort.abort();
    player.video.removeAttribute?.("src");
    player.video.load?.();
    element.replaceChildren();
  };
  return Object.assign(stop, { player });
}

class Player {
  constructor(element, data, signal, onEdit) {
    this.data = data;
    this.signal = signal;
    this.onEdit = onEdit ?? (() => {});
    this.clip = `${data.root}/clips/${data.address}`;
    this.hasVideo = data.hasVideo !== false;
    this.isExact = EXACT && this.hasVideo; // the browser tells the time of the frame that it shows
    this.edits = new Edits(this.clip, signal, {
      onChange: () => this.edited(),
      onNote: (text) => this.announce(text),
      onProblem: (text) => this.announce(text, true),
      onTrouble: this.troubled("edits"),
      tracked: () => this.frames.tracked(),
    });
    this.frames = new Frames(`${this.clip}/frames`, this.edits, data.duration || 1);
    this.selection = { start: null, end: null }; // of the timeline, in seconds
    this.hovered = null; // time below the pointer
    this.time = 0;
    // Where the browser does not tell the frame's time, the time that it shows is a frame's or later.
    this.tolerance = this.isExact ? 0.002 : 0.5 / data.framesPerSecond;
    this.offset = null; // of the clip's first frame in the browser's time
    this.held = null; // where to go once that is known
    this.muted = null; // whether it was before it plays to show its first picture
    this.gone = null; // why the server has the clip no longer
    this.troubles = new Map();
    this.pressed = null; // button on which the pointer is down
    this.isOutdated = false; // whether the panels are to be drawn when it is released
    this.chosen = null;
    this.moments = [];
    this.build(element);
    this.timeline = new Timeline(this.canvas, this.frames);
    this.steps = new Steps(this);
    if (this.hasVideo) this.recovery = new Recovery(this);
    this.listen();
  }

  build(element) {
    element.innerHTML = `
      <div class="stage"><video playsinline preload="auto"></video><canvas class="overlay"></canvas>
        <p class="problem" hidden></p></div>
      <div class="controls" role="toolbar" aria-label="Playback">
        <button type="button" data-act="back" title="A frame back (Left)">${icon("back")}</button>
        <button type="button" data-act="play" title="Play or pause (Space)">${icon("play")}</button>
        <button type="button" data-act="forward" title="A frame forward (Right)">${icon("forward")}</button>
        <span class="clock" aria-live="off"></span>
        <button type="button" data-act="slower" title="Slower (J)">${icon("slower")}</button>
        <span class="speed"></span>
        <button type="button" data-act="faster" title="Faster (L)">${icon("faster")}</button>
        <button type="button" data-act="sound" title="Sound (M)">${icon("sound")}</button>
        <button type="button" data-act="out" title="Zoom out (-)">${icon("out")}</button>
        <button type="button" data-act="in" title="Zoom in (+)">${icon("in")}</button>
      </div>
      <div class="legend" role="group" aria-label="Curves"></div>
      <canvas class="timeline" tabindex="0" role="slider" aria-label="Time" aria-valuemin="0"></canvas>
      <p class="trouble" role="alert" hidden></p>
      <p class="status" role="status"></p>
      <div class="moments" role="group" aria-label="Key moments"></div>
      <div class="history tools"><button type="button" data-act="undo" title="Undo (Ctrl+Z)">${icon("undo")} Undo</button>
        <button type="button" data-act="redo" title="Redo (Ctrl+Shift+Z)">${icon("redo")} Redo</button></div>
      <details class="people" open><summary>People</summary><div></div></details>
      <details class="segments"><summary>Segments</summary><div></div></details>
      <details class="exports"><summary>Files and project</summary><div class="tools"></div></details>`;
    const find = (selector) => element.querySelector(selector);
    this.element = element;
    element.dataset.saving = "";
    [this.video, this.overlay, this.canvas] = [find("video"), find(".overlay"), find(".timeline")];
    if (!this.hasVideo) {
      find(".stage").hidden = true;
      find("[data-act=sound]").hidden = true;
      this.video = new VirtualVideo(this.data.duration || 0, this.signal);
    }
    [this.clock, this.speed, this.legend] = [find(".clock"), find(".speed"), find(".legend")];
    [this.problem, this.strip, this.status] = [find(".problem"), find(".moments"), find(".status")];
    this.trouble = find(".trouble");
    this.panels = [
      new People(find(".people > div"), this),
      new Segments(find(".segments > div"), this),
      new Exports(find(".exports > div"), this),
    ];
    this.video.setAttribute?.("aria-label", this.data.name);
    for (const button of element.querySelectorAll("button")) {
      button.setAttribute("aria-label", button.title);
    }
    for (const emotion of EMOTIONS) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = emotion;
      button.style.setProperty("--colour", colourOf(emotion));
      button.setAttribute("aria-pressed", "true");
      button.append(Object.assign(document.createElement("span"), { className: "value" }));
      button.addEventListener("click", () => this.toggle(emotion, button));
      this.legend.append(button);
    }
    const smoothing = document.createElement("select");
    smoothing.setAttribute("aria-label", "Curves");
    smoothing.append(...WINDOWS.map(([seconds, label]) => new Option(label, seconds)));
    smoothing.addEventListener("change", () => {
      this.timeline.window = Number(smoothing.value);
      this.timeline.image = null;
      this.redraw();
    });
    this.legend.append(smoothing);
  }

  async load() {
    if (this.hasVideo) this.video.src = `${this.clip}/video`;
    this.watch();
    try {
      await this.edits.load();
      await this.loadFrames();
      await this.loadMoments();
    } catch (error) {
      if (this.signal.aborted) return;
      this.gone = String(error.message ?? error);
      this.troubled("clip")(this.gone);
    }
    if (this.signal.aborted) return;
    this.element.dataset.frames = String(this.frames.times.length);
    this.timeline.image = null;
    this.redraw();
    this.drawPanels();
  }

  // All analysed frames, as they come.
  async loadFrames() {
    const onTrouble = this.troubled("frames");
    let known = -1;
    while ((await this.frames.update(this.signal, onTrouble)) && !this.signal.aborted) {
      if (known !== this.frames.times.length) {
        this.timeline.image = null;
        this.redraw();
        this.drawPanels();
      }
      known = this.frames.times.length;
      await new Promise((resolve) => setTimeout(resolve, POLL));
    }
  }

  // After a change of the edits.
  async edited() {
    this.element.dataset.saving = "yes";
    this.frames.apply();
    if (!this.frames.people.has(this.chosen)) this.chosen = null;
    this.timeline.image = null;
    this.shownMoments = undefined;
    this.status.textContent = "";
    this.redraw();
    this.drawPanels();
    await Promise.resolve();
    await this.edits.saved;
    if (this.signal.aborted) return;
    this.element.dataset.saving = "";
    this.onEdit();
  }

  // Draws the panels anew; before the edits are there, there is nothing to edit.
  drawPanels() {
    if (!this.edits.isLoaded) return;
    if (this.pressed) { // or a button would leave the pointer before it is released, which would be no click
      this.isOutdated = true;
      return;
    }
    this.isOutdated = false;
    this.keepingFocus(() => this.panels.forEach((panel) => panel.draw()));
    for (const act of ["undo", "redo"]) {
      const isEmpty = !this.edits[act === "undo" ? "past" : "future"].length;
      this.element.querySelector(`[data-act=${act}]`).setAttribute("aria-disabled", String(isEmpty));
    }
  }

  // If what has the focus is gone after `draw`, what has its place gets it.
  keepingFocus(draw) {
    const root = this.element.getRootNode();
    const focused = this.element.contains(root.activeElement) ? root.activeElement : null;
    const group = focused?.closest("details, .moments");
    const controls = () => [...(group?.querySelectorAll(CONTROLS) ?? [])];
    const place = controls().indexOf(focused);
    draw();
    if (!focused || focused.isConnected || this.element.contains(root.activeElement)) return;
    const left = controls();
    (left[Math.min(place, left.length - 1)] ?? this.canvas).focus({ preventScroll: true });
  }

  async loadMoments() {
    const onTrouble = this.troubled("moments");
    const { content } = await ask(`${this.clip}/key-moments`, { signal: this.signal, onTrouble });
    this.moments = content;
    this.shownMoments = undefined;
  }

  // The highest of each emotion, of all whom the edits have made one person; in no excluded stretch.
  momentsOf(person) {
    const best = new Map();
    for (const moment of this.moments) {
      const [tracked, emotion, probability, time] = moment;
      if (this.edits.personAt(tracked, time) !== person || this.edits.isExcluded(time)) continue;
      if (!best.has(emotion) || best.get(emotion)[2] < probability) best.set(emotion, [person, ...moment.slice(1)]);
    }
    return [...best.values()].sort((a, b) => EMOTIONS.indexOf(a[1]) - EMOTIONS.indexOf(b[1]));
  }

  pictureOf(person) {
    const [best] = this.momentsOf(person).sort((a, b) => b[2] - a[2]);
    return best?.[4] ?? null;
  }

  // Each emotion of the chosen person at its highest probability: a press goes there.
  showMoments() {
    if (this.shownMoments === this.chosen) return;
    this.shownMoments = this.chosen;
    const buttons = this.momentsOf(this.chosen)
      .map(([person, emotion, probability, time, picture]) => {
        const image = element("img", { src: picture, alt: `${this.nameOf(person)}, ${emotion}` });
        const caption = element("span", {}, [`${emotion} ${Math.round(100 * probability)} % · ${clock(time, true)}`]);
        caption.style.setProperty("--colour", colourOf(emotion));
        return element("button", { type: "button", "data-key": emotion, onclick: () => this.seek(time) }, [image, caption]);
      });
    this.keepingFocus(() => patch(this.strip, buttons));
  }

  // Each frame that the browser shows is drawn with its own time.
  watch() {
    if (!this.isExact) {
      const follow = () => {
        if (this.signal.aborted) return;
        const { currentTime } = this.video;
        if (currentTime !== this.followed) this.show(currentTime);
        this.followed = currentTime;
        requestAnimationFrame(follow);
      };
      follow();
      return;
    }
    const onFrame = (now, { mediaTime, presentedFrames }) => {
      if (this.signal.aborted) return;
      const isFirst = this.offset === null;
      this.show(mediaTime);
      if (isFirst) this.begin(presentedFrames > 1);
      this.video.requestVideoFrameCallback(onFrame);
    };
    this.video.requestVideoFrameCallback(onFrame);
  }

  show(mediaTime) {
    // The first frame's time in the browser's clock, which need not begin with the picture. If a frame was
    // taken for the first one that is not, an earlier one tells.
    this.offset = Math.min(this.offset ?? Infinity, mediaTime);
    this.time = Math.max(0, mediaTime - this.offset);
    this.overlay.dataset.mediaTime = String(mediaTime);
    this.timeline.follow(this.time);
    this.redraw();
  }

  // Goes, with the first picture, where it was asked to go before it; first to the clip's start if pictures
  // were missed.
  async begin(isLate) {
    const { video, held, offset } = this;
    const wasPlaying = !video.paused && this.muted === null;
    this.held = null;
    if (this.muted !== null) {
      video.pause();
      video.muted = this.muted;
      this.muted = null;
    }
    if (isLate) {
      const { turn } = this.steps;
      video.pause();
      await this.steps.look(-offset);
      if (turn !== this.steps.turn) return; // the user has gone on
    }
    if (held !== null) this.seek(held);
    else if (isLate) this.seek(offset - this.offset);
    if (isLate && wasPlaying) this.play();
  }

  redraw() {
    if (this.signal.aborted) return; // what was asked for before the player left came after it
    const scale = this.fit();
    const shown = this.frames.at(this.time, this.tolerance);
    const index = shown.exact ? this.frames.indices[shown.frame] : null;
    drawOverlay(this.overlay, { ...shown, index }, scale, (p) => this.nameOf(p));
    const duration = Math.max(this.video.duration || 0, this.frames.times.at(-1) ?? 0);
    if (duration && Math.abs(duration - this.timeline.duration) > 1e-3) this.timeline.setDuration(duration);
    const people = this.people().slice(0, BANDS);
    this.chosen ??= people[0] ?? null;
    this.showMoments();
    this.timeline.draw(this.time, people, this.chosen, (p) => this.nameOf(p), this);
    this.showValues();
    this.clock.textContent = `${clock(this.time, true)} / ${clock(duration)}`;
    this.speed.textContent = `${this.video.playbackRate} ×`;
    this.canvas.setAttribute("aria-valuemax", String(Math.round(duration * 10) / 10));
    this.canvas.setAttribute("aria-valuenow", String(Math.round(this.time * 10) / 10));
    this.canvas.setAttribute("aria-valuetext", this.describe(shown));
    const isPlaying = !this.video.paused;
    const play = this.element.querySelector("[data-act=play]");
    setIcon(play, isPlaying ? "pause" : "play");
    setIcon(this.element.querySelector("[data-act=sound]"), this.video.muted ? "muted" : "sound");
  }

  // Lays the canvas over the picture, which may be smaller than its element; returns its scale.
  fit() {
    if (!this.hasVideo) return 1;
    const { width, height } = this.data;
    const box = this.video.getBoundingClientRect();
    const scale = Math.min(box.width / width, box.height / height);
    const size = [width * scale, height * scale];
    const { style } = this.overlay;
    style.left = `${(box.width - size[0]) / 2}px`;
    style.top = `${(box.height - size[1]) / 2}px`;
    [style.width, style.height] = size.map((side) => `${side}px`);
    const [wide, high] = size.map((side) => Math.round(side * devicePixelRatio));
    if (this.overlay.width !== wide || this.overlay.height !== high) {
      [this.overlay.width, this.overlay.height] = [wide, high];
    }
    return scale;
  }

  describe(shown) {
    const faces = shown.faces.map(({ person, verdict }) => `${this.nameOf(person)} ${verdict}`);
    return `${clock(this.time, true)}${faces.length ? `: ${faces.join(", ")}` : ""}`;
  }

  // The chosen person's probabilities at the pointer, else at the playhead.
  showValues() {
    const face = this.frames.valuesAt(this.chosen, this.hovered ?? this.time);
    this.legend.querySelectorAll(".value").forEach((output, i) => {
      output.textContent = face ? ` ${Math.round(100 * face.probabilities[i])} %` : "";
    });
    const split = this.element.querySelector(".people .split");
    if (split) split.setAttribute("aria-disabled", String(!this.panels[0].canSplit()));
  }

  people() {
    return this.frames.ranking;
  }

  nameOf(person) {
    return this.edits.nameOf(person);
  }

  choosePerson(person, time) {
    this.chosen = person;
    this.timeline.image = null;
    this.seek(time);
    this.redraw();
    this.drawPanels();
  }

  select(start, end) {
    this.selection = { start, end };
    if (start !== null || end !== null) this.element.querySelector(".segments").open = true;
    this.timeline.image = null;
    this.redraw();
    this.drawPanels();
  }

  announce(text, isProblem = false) {
    this.status.textContent = text;
    this.status.classList.toggle("is-problem", isProblem);
  }

  // Over the picture; null for nothing.
  say(text) {
    this.problem.textContent = text ?? "";
    this.problem.hidden = !text;
  }

  // Returns a function that tells what keeps some part from the server, and with null that nothing does.
  troubled(part) {
    return (text) => {
      this.troubles.set(part, text);
      const told = [...this.troubles.values()].find(Boolean);
      this.trouble.textContent = told ?? "";
      this.trouble.hidden = !told;
    };
  }

  toggle(emotion, button) {
    const { hidden } = this.timeline;
    if (!hidden.delete(emotion)) hidden.add(emotion);
    button.setAttribute("aria-pressed", String(!hidden.has(emotion)));
    this.timeline.image = null;
    this.redraw();
  }

  // Shows the frame of a time. Before the first picture nobody knows where that is in the browser's time.
  seek(time) {
    this.steps.cancel();
    this.recovery?.revive();
    if (this.offset !== null) {
      this.moveTo(time + this.into(time));
      return;
    }
    this.held = time;
    const { video } = this;
    if (this.muted !== null || !video.paused || video.networkState !== HTMLMediaElement.NETWORK_IDLE) return;
    // Browsers that spare data (Safari on iOS) show no picture before they play.
    this.muted = video.muted;
    video.muted = true;
    this.play();
  }

  // Seconds to go into the frame of a time, so that rounding does not show the one before; also of a short one.
  into(time) {
    const next = this.frames.times[this.frames.last(time + 1e-6) + 1] ?? Infinity;
    return Math.min(0.25 / this.data.framesPerSecond, (next - time) / 2);
  }

  moveTo(time) {
    this.video.currentTime = Math.max(0, time + this.offset);
  }

  play() {
    this.steps.cancel();
    this.recovery?.revive();
    this.video.play()?.catch(() => {}); // an error has its own event; a pause that comes first is none
  }

  step(count, isRepeat) {
    if (this.offset === null) return this.seek(this.held ?? 0);
    this.video.pause();
    this.recovery?.revive();
    return this.steps.take(count, isRepeat);
  }

  // The end of the frame that is shown, which no later analysed frame belongs to.
  frameEnd() {
    const next = this.frames.times[this.frames.last(this.time + 1e-3) + 1] ?? Infinity;
    return this.steps.neighbour(1) ?? Math.min(this.time + 1 / this.data.framesPerSecond, next);
  }

  act(name, isRepeat = false) {
    const { video } = this;
    const speed = SPEEDS.indexOf(video.playbackRate);
    const actions = {
      play: () => (video.paused ? this.play() : video.pause()),
      back: () => this.step(-1, isRepeat),
      forward: () => this.step(1, isRepeat),
      slower: () => (video.playbackRate = SPEEDS[Math.max(0, speed - 1)]),
      faster: () => (video.playbackRate = SPEEDS[Math.min(SPEEDS.length - 1, speed + 1)]),
      pause: () => video.pause(),
      sound: () => (video.muted = !video.muted),
      in: () => this.timeline.zoom(0.5, this.time),
      out: () => this.timeline.zoom(2, this.time),
      start: () => this.seek(0),
      end: () => this.seek(this.timeline.duration),
      markStart: () => this.select(this.time, this.selection.end),
      markEnd: () => this.select(this.selection.start, this.frameEnd()),
      undo: () => this.edits.undo(),
      redo: () => this.edits.redo(),
    };
    actions[name]?.();
    this.redraw();
  }

  listen() {
    const { signal } = this;
    const { video, canvas } = this;
    this.element.addEventListener("click", ({ target }) => this.act(target.closest("[data-act]")?.dataset.act), { signal });
    const keys = {
      " ": "play", k: "play", j: "slower", l: "faster", m: "sound",
      ArrowLeft: "back", ArrowRight: "forward", Home: "start", End: "end", "+": "in", "-": "out",
      "[": "markStart", "]": "markEnd",
    };
    this.element.addEventListener(
      "keydown",
      (event) => {
        if (event.target.matches(TEXTS)) return; // keys are for it
        if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
          event.preventDefault();
          event.stopPropagation();
          this.act(event.shiftKey ? "redo" : "undo");
        }
        const isCharacter = event.getModifierState("AltGraph"); // as brackets are on many keyboards
        if (!isCharacter && (event.ctrlKey || event.metaKey || event.altKey)) return;
        const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
        if (!action || isKeyOf(event.target, event.key)) return;
        event.preventDefault();
        event.stopPropagation();
        this.act(action, event.repeat);
      },
      { signal },
    );
    let anchor = null; // where a selection began
    const drag = ({ clientX }) => {
      const time = this.timeline.timeAt(clientX);
      if (anchor === null) this.seek(time);
      else this.select(Math.min(anchor, time), Math.max(anchor, time));
    };
    canvas.addEventListener(
      "pointerdown",
      (event) => {
        canvas.setPointerCapture(event.pointerId);
        anchor = event.shiftKey ? this.timeline.timeAt(event.clientX) : null;
        if (anchor === null) this.choose(event);
        drag(event);
      },
      { signal },
    );
    const hover = (time) => {
      this.hovered = time;
      this.redraw();
    };
    canvas.addEventListener(
      "pointermove",
      (event) => (event.buttons ? drag(event) : hover(this.timeline.timeAt(event.clientX))),
      { signal },
    );
    canvas.addEventListener("pointerleave", () => hover(null), { signal });
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey) return; // the page scrolls
        event.preventDefault();
        this.timeline.zoom(event.deltaY < 0 ? 0.8 : 1.25, this.timeline.timeAt(event.clientX));
        this.redraw();
      },
      { signal, passive: false },
    );
    for (const name of ["play", "pause", "ratechange", "loadedmetadata", "volumechange", "ended"]) {
      video.addEventListener(name, () => this.redraw(), { signal });
    }
    this.element.addEventListener("pointerdown", ({ target }) => (this.pressed = target.closest("button, label")), { signal });
    const release = ({ type, buttons }) => {
      if (!this.pressed || (type === "pointermove" && buttons)) return;
      this.pressed = null;
      setTimeout(() => this.isOutdated && !signal.aborted && this.drawPanels()); // after the click
    };
    for (const name of ["pointerup", "pointercancel", "pointermove"]) addEventListener(name, release, { signal });
    // What was not drawn while it was being used, see dom.js.
    this.element.addEventListener(
      "focusout",
      ({ target }) => target.matches("input, select") && requestAnimationFrame(() => signal.aborted || this.drawPanels()),
      { signal },
    );
    new ResizeObserver(() => this.redraw()).observe(this.element);
  }

  // A press on a band chooses its person.
  choose({ clientY }) {
    const row = Math.floor((clientY - this.canvas.getBoundingClientRect().top) / 20);
    const person = this.people()[row];
    if (person !== undefined && row < BANDS && person !== this.chosen) {
      this.chosen = person;
      this.timeline.image = null;
      this.drawPanels();
    }
  }
}
