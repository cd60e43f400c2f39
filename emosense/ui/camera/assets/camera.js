// The camera: frames go to the server one at a time, and each is painted with its own answer.

import { biasOf, withoutBias } from "../../player/assets/baseline.js";
import { colourOf } from "../../player/assets/colours.js";
import { button, element } from "../../player/assets/dom.js";
import { EMOTIONS, judged, readFace } from "../../player/assets/frames.js";
import { drawOverlay } from "../../player/assets/overlay.js";
import { Timeline } from "../../player/assets/timeline.js";
import { Connection } from "./connection.js";
import { LiveFrames, MINUTE, Pace, Smoothing } from "./live.js";

const SIDES = [640, 480, 320]; // long sides of what is sent, the best first
const QUALITIES = [0.8, 0.7, 0.6];
const SLOW = 200; // milliseconds from picture to answer above which less is sent
const FAST = 90;
const BASELINE_SECONDS = 4;
const ASK_AGAIN = 2000; // milliseconds
const TIMELINE_INTERVAL = 200; // milliseconds

const CUT = "The connection was lost: what was recorded until then is below.";

const PROBLEMS = {
  NotAllowedError: "The browser may not use the camera. Allow it in the address bar or in the settings, then press Start.",
  NotFoundError: "No camera was found. Connect one, then press Start.",
  NotReadableError: "The camera is used by another program. Close that, then press Start.",
  OverconstrainedError: "This camera is no longer there. Choose another one, then press Start.",
};

// on.recorded is called after a recording, on.unknown when the page needs another address.
// With isOn the camera starts at once: it was on when the page got another address.
export function show(root, data, on, isOn) {
  const camera = new Camera(root, data, on);
  if (isOn) camera.start();
  return camera;
}

class Camera {
  constructor(root, data, on) {
    this.root = root;
    this.data = data;
    this.on = on;
    this.abort = new AbortController();
    this.isOn = false; // from Start on, also while the browser asks
    this.attempt = 0; // number of this start or stop
    this.stream = null;
    this.connection = null;
    this.count = 0;
    this.frames = new LiveFrames();
    this.smoothing = new Smoothing(0);
    this.biases = new Map(); // person -> bias
    this.baseline = null; // {person, until, samples}
    this.level = 0; // of what is sent: 0 is the best
    this.pace = new Pace();
    this.held = document.createElement("canvas"); // the frame on its way, as it was seen
    this.small = document.createElement("canvas"); // the same, as it is sent
    this.shown = null;
    this.isMirrored = true;
    this.isPaused = false;
    this.isRecording = false;
    this.isCut = false; // a recording, by the loss of its connection; until the server says so
    this.build();
    this.timeline = new Timeline(this.curves, this.frames);
    this.timeline.gap = 0.5; // answers come at no fixed rate
    this.listDevices();
    navigator.mediaDevices?.addEventListener("devicechange", () => this.listDevices(), { signal: this.abort.signal });
    document.addEventListener("visibilitychange", () => this.hiddenChanged(), { signal: this.abort.signal });
    new ResizeObserver(() => this.abort.signal.aborted || this.paint()).observe(this.root);
  }

  build() {
    this.video = element("video", { playsinline: true, muted: true });
    this.video.muted = true;
    this.canvas = element("canvas", { class: "picture", role: "img", "aria-label": "Camera" });
    this.overlay = element("canvas", { class: "overlay" });
    this.sign = element("span", { class: "sign", hidden: true }, ["● Camera on"]);
    this.idle = element("p", { class: "idle" }, ["The camera is off."]);
    const stage = element("div", { class: "stage" }, [this.canvas, this.overlay, this.sign, this.idle]);
    this.status = element("p", { class: "status", role: "status" });
    this.startButton = button("Start", ({ detail }) => this.toggle(detail), { class: "primary" });
    this.pauseButton = button("Pause", () => this.pause(), { disabled: true });
    this.recordButton = button("Record", () => this.record(), { disabled: true, title: "Records the numbers, not the pictures" });
    this.devices = element("select", { "aria-label": "Camera" });
    this.devices.addEventListener("change", () => this.isOn && this.start());
    const mirror = this.checkbox("Mirror", true, (on) => ((this.isMirrored = on), this.paint()));
    this.windows = element("select", { "aria-label": "Smoothing" },
      [[0, "raw"], [0.3, "smoothed, 0.3 s"], [1, "smoothed, 1 s"]].map(([s, label]) => element("option", { value: String(s) }, [label])));
    this.windows.addEventListener("change", () => this.resetSmoothing());
    this.baselineButton = button("Relative to my neutral", () => this.toggleBaseline(), {
      disabled: true, "aria-pressed": "false",
      title: `Look at the camera with a relaxed face for ${BASELINE_SECONDS} seconds: answers are then relative to it`,
    });
    this.saveClip = this.checkbox("Save the clip on this device", false, () => {});
    this.saveClip.hidden = !("MediaRecorder" in window);
    this.snapshotButton = button("Snapshot", () => this.snapshot(), { disabled: true });
    this.rate = element("span", { class: "rate", "data-role": "rate" });
    this.bars = element("div", { class: "bars" });
    this.curves = element("canvas", { class: "timeline", role: "img", "aria-label": "The last minute" });
    this.root.replaceChildren(
      element("div", { class: "tools" }, [this.startButton, this.pauseButton, this.recordButton, this.snapshotButton, this.devices, mirror]),
      element("div", { class: "now" }, [stage, this.bars]),
      element("div", { class: "tools" }, [this.rate, this.windows, this.baselineButton, this.saveClip]),
      this.status, this.curves,
    );
  }

  checkbox(text, isOn, onChange) {
    const input = element("input", { type: "checkbox", checked: isOn });
    input.addEventListener("change", () => onChange(input.checked));
    return element("label", {}, [input, ` ${text}`]);
  }

  async listDevices() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    const cameras = devices.filter(({ kind }) => kind === "videoinput");
    const chosen = this.devices.value;
    this.devices.replaceChildren(...cameras.map(({ deviceId, label }, i) =>
      element("option", { value: deviceId }, [label || `Camera ${i + 1}`])));
    if (cameras.some(({ deviceId }) => deviceId === chosen)) this.devices.value = chosen;
    this.devices.hidden = cameras.length < 2;
  }

  // The browser counts clicks: the second of a double click neither ends a start nor begins one.
  toggle(clicks) {
    if (clicks > 1) return;
    if (!this.isOn) return this.start();
    this.stop();
    this.say("");
  }

  // Starts the camera. If a start or stop comes while the browser takes its time, the later one counts: what
  // the browser gives after that is given back.
  async start() {
    this.stop();
    if (!navigator.mediaDevices) {
      this.say("Browsers give the camera to pages over HTTPS only, or on the server's own machine (localhost).", true);
      return;
    }
    const { attempt } = this;
    this.isOn = true;
    this.startButton.textContent = "Stop";
    this.say("Starting the camera …");
    const deviceId = this.devices.value;
    const video = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
    if (deviceId) video.deviceId = { exact: deviceId };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      if (this.attempt !== attempt) return;
      this.stop();
      this.say(PROBLEMS[error.name] ?? `The camera cannot be used: ${error.message}`, true);
      return;
    }
    if (this.attempt !== attempt) return endTracks(stream);
    this.stream = stream;
    this.idle.hidden = true;
    this.sign.hidden = false;
    const [track] = stream.getVideoTracks();
    track.addEventListener("ended", () => {
      if (this.stream !== stream) return;
      this.stop();
      this.say("The camera was taken away. Connect it again, then press Start.", true);
    });
    this.video.srcObject = stream;
    await this.video.play().catch(() => {});
    if (this.attempt !== attempt) return; // who came later has ended the stream
    await this.listDevices();
    if (this.attempt !== attempt) return;
    this.devices.value = track.getSettings().deviceId ?? this.devices.value;
    this.forget();
    this.pace.clear();
    this.say("Connecting …");
    this.began = performance.now();
    const url = new URL(`${this.data.root}/camera/stream/${this.data.address}`, document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    this.connection = new Connection(url.href, {
      open: () => this.opened(),
      frame: (message, delay) => this.answered(message, delay),
      state: (message) => this.stateCame(message),
      error: (text) => this.say(text, true),
      lost: (reason) => this.lost(reason),
      unknown: () => this.unknown(),
      refused: (reason) => {
        this.stop();
        this.say(reason || "The server refused this camera. Reload the page.", true);
      },
    });
    this.watch();
  }

  // The page has run again. Another network's answers are no sequel to those that are shown, and biased otherwise.
  update(data) {
    const isOther = data.model !== this.data.model;
    this.data = data;
    if (!isOther || !this.isOn) return;
    const wasRelative = this.biases.size > 0 || this.baseline !== null;
    this.forget();
    if (!wasRelative) return;
    this.say("Another network answers now: answers are absolute again.");
    this.status.classList.add("is-fixed");
  }

  // Forgets the people who are shown: their answers, and what these are relative to.
  forget() {
    this.frames.clear();
    this.resetSmoothing();
    this.clearBaseline();
  }

  resetSmoothing() {
    this.smoothing = new Smoothing(Number(this.windows.value));
  }

  clearBaseline() {
    this.biases.clear();
    this.baseline = null;
    this.baselineButton.setAttribute("aria-pressed", "false");
  }

  // Until the page has run again; its own connection may come back later than ours.
  unknown() {
    if (!this.isOn || this.abort.signal.aborted) return;
    const { connection } = this;
    this.say("The server has started anew. Waiting for the page …", true);
    this.on.unknown();
    setTimeout(() => this.connection === connection && !connection.socket && this.unknown(), ASK_AGAIN);
  }

  opened() {
    this.say("");
    for (const one of [this.pauseButton, this.recordButton, this.snapshotButton, this.baselineButton]) one.disabled = false;
  }

  lost(reason) {
    this.pace.clear();
    if (this.isRecording) {
      this.recordingChanged({ recording: false });
      this.isCut = true;
    }
    this.say(`${reason || "The connection to the server is lost."} Trying again …`, true);
    this.recordButton.disabled = true;
  }

  // Stops the camera and the connection, and a start that waits for the browser.
  stop() {
    this.attempt += 1;
    this.isOn = false;
    this.finishClip();
    if (this.isRecording) this.connection?.finish(() => this.abort.signal.aborted || this.on.recorded());
    else this.connection?.close();
    this.connection = null;
    if (this.stream) endTracks(this.stream);
    this.stream = null;
    this.video.srcObject = null;
    this.shown = null;
    this.clearBaseline();
    this.sign.hidden = true;
    this.idle.hidden = false;
    this.startButton.textContent = "Start";
    this.rate.textContent = "";
    for (const one of [this.pauseButton, this.recordButton, this.snapshotButton, this.baselineButton]) one.disabled = true;
    this.showRecording(false);
    this.setPaused(false);
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.canvas.setAttribute("aria-label", "Camera");
    this.canvas.removeAttribute("data-index");
    this.overlay.getContext("2d").clearRect(0, 0, this.overlay.width, this.overlay.height);
    this.bars.replaceChildren();
  }

  close() {
    this.abort.abort();
    this.stop();
    this.root.replaceChildren();
  }

  // Each frame of the camera is sent if the one before is answered; what comes meanwhile is never sent.
  watch() {
    const { stream } = this;
    const onFrame = () => {
      if (this.stream !== stream || this.abort.signal.aborted) return;
      this.offer();
      next();
    };
    const next = () =>
      "requestVideoFrameCallback" in this.video ? this.video.requestVideoFrameCallback(onFrame) : requestAnimationFrame(onFrame);
    next();
  }

  offer() {
    const { video, held, small } = this;
    if (this.isPaused || document.hidden || !this.connection?.isFree() || !video.videoWidth) return;
    const at = performance.now();
    if (held.width !== video.videoWidth || held.height !== video.videoHeight) {
      [held.width, held.height] = [video.videoWidth, video.videoHeight];
    }
    held.getContext("2d").drawImage(video, 0, 0);
    const side = SIDES[Math.min(this.level, SIDES.length - 1)];
    const scale = Math.min(1, side / Math.max(held.width, held.height));
    const size = [held.width, held.height].map((length) => Math.max(1, Math.round(length * scale)));
    if (small.width !== size[0] || small.height !== size[1]) [small.width, small.height] = size;
    small.getContext("2d", { willReadFrequently: true }).drawImage(held, 0, 0, ...size);
    // At once: toBlob waits for a moment without work, which may be long.
    const jpeg = bytesOf(small.toDataURL("image/jpeg", QUALITIES[Math.min(this.level, QUALITIES.length - 1)]));
    this.count += 1;
    this.connection.send(this.count, (at - this.began) / 1000, jpeg, at);
    this.sentTime = (at - this.began) / 1000;
  }

  answered(message, delay) {
    if (!this.stream) return;
    const time = this.sentTime;
    const scale = this.held.width / message.width;
    const faces = message.faces.map((values) => {
      const face = readFace(values);
      const placed = { ...face, x: face.x * scale, y: face.y * scale, width: face.width * scale, height: face.height * scale };
      this.collect(time, placed);
      const bias = this.biases.get(face.person);
      const relative = bias ? judged({ ...placed, probabilities: withoutBias(placed.probabilities, bias) }) : placed;
      return this.smoothing.apply(time, relative);
    });
    this.frames.add(time, faces);
    [this.canvas.width, this.canvas.height] = [this.held.width, this.held.height];
    this.canvas.getContext("2d").drawImage(this.held, 0, 0);
    this.shown = { faces, index: message.index, time };
    this.paint();
    this.measure(delay);
    const now = performance.now();
    if (now - (this.drawn ?? 0) > TIMELINE_INTERVAL) {
      this.drawn = now;
      this.drawBars(faces);
      this.drawTimeline(time);
    }
    if (!this.status.classList.contains("is-fixed")) this.say("");
  }

  // The boxes over the painted frame; both are mirrored, the texts are not.
  paint() {
    this.canvas.classList.toggle("is-mirrored", this.isMirrored);
    if (!this.shown) return;
    const { width, height } = this.canvas;
    const box = this.canvas.getBoundingClientRect();
    const size = [box.width, box.height].map((length) => Math.round(length * devicePixelRatio));
    if (this.overlay.width !== size[0] || this.overlay.height !== size[1]) [this.overlay.width, this.overlay.height] = size;
    const faces = this.shown.faces.map((face) => (this.isMirrored ? { ...face, x: width - face.x - face.width } : face));
    const scale = Math.min(box.width / width, box.height / height);
    drawOverlay(this.overlay, { faces, exact: true, index: this.shown.index }, scale, (person) => `Person ${person}`);
    this.canvas.dataset.index = String(this.shown.index);
    this.canvas.setAttribute("aria-label", faces.length
      ? `Camera: ${faces.map(({ person, verdict }) => `person ${person} ${verdict}`).join(", ")}` : "Camera: no face");
  }

  // Less is sent while answers take long, and more again when they do not.
  measure(delay) {
    const { pace } = this;
    const now = performance.now();
    pace.add(now, delay);
    if (!pace.isKnown) return;
    const { perSecond, delay: median } = pace;
    this.rate.textContent = `${perSecond.toFixed(perSecond < 9.5 ? 1 : 0)} answers/s · ${median.toFixed(0)} ms delay`;
    if (now - (this.levelled ?? 0) < 3000) return;
    if (median > SLOW && this.level < SIDES.length - 1) this.level += 1;
    else if (median < FAST && this.level > 0) this.level -= 1;
    else return;
    this.levelled = now;
    pace.clear(); // what was sent before says nothing about what is sent now
  }

  drawBars(faces) {
    const rows = faces.slice(0, 6).map((face) => {
      const name = element("strong", {}, [`Person ${face.person}: ${face.verdict}`]);
      const parts = EMOTIONS.map((emotion, i) => {
        const percent = Math.round(100 * face.probabilities[i]);
        const bar = element("span", { class: "bar" });
        bar.style.cssText = `width: ${percent}%; background: ${colourOf(emotion)}`;
        return element("div", { class: "emotion" }, [element("span", {}, [emotion]), element("span", { class: "track" }, [bar]), element("span", { class: "value" }, [`${percent} %`])]);
      });
      return element("div", { class: "face" }, [name, ...parts]);
    });
    this.bars.replaceChildren(...rows);
  }

  drawTimeline(time) {
    const { timeline } = this;
    timeline.duration = time;
    [timeline.start, timeline.end] = [Math.max(0, time - MINUTE), Math.max(time, 5)];
    timeline.image = null;
    const people = [...this.frames.people].sort((a, b) => b[1].length - a[1].length).slice(0, 6).map(([person]) => person);
    const none = { segments: [], excluded: [] };
    timeline.draw(time, people, people[0] ?? null, (person) => `Person ${person}`, { hovered: null, selection: { start: null, end: null }, edits: { state: none } });
  }

  say(text, isProblem = false) {
    this.status.textContent = text;
    this.status.classList.toggle("is-problem", isProblem);
    this.status.classList.remove("is-fixed");
  }

  setPaused(isPaused) {
    this.isPaused = isPaused;
    this.pace.clear(); // a pause is no slow answer
    this.pauseButton.textContent = isPaused ? "Go on" : "Pause";
  }

  pause() {
    this.setPaused(!this.isPaused);
  }

  // Nothing is sent while the page cannot be seen.
  hiddenChanged() {
    if (!this.stream) return;
    this.pace.clear();
    this.say(document.hidden ? "Paused while this page is in the background." : "");
  }

  // The picture with boxes, as it is shown.
  snapshot() {
    if (!this.shown) return;
    const { width, height } = this.overlay;
    const picture = element("canvas", { width: String(width), height: String(height) });
    const context = picture.getContext("2d");
    context.save();
    if (this.isMirrored) {
      context.translate(width, 0);
      context.scale(-1, 1);
    }
    context.drawImage(this.canvas, 0, 0, width, height);
    context.restore();
    context.drawImage(this.overlay, 0, 0);
    save(picture.toDataURL("image/png"), "emosense-camera.png");
  }

  record() {
    if (this.isRecording) return this.connection?.ask("stop");
    this.connection?.ask("record");
  }

  // The first state of a connection comes when the recording of the one before has ended, if there was one.
  stateCame(message) {
    if (!this.isCut) return this.recordingChanged(message);
    this.isCut = false;
    this.recordingChanged({ ...message, note: CUT });
    this.on.recorded();
  }

  showRecording(isRecording) {
    this.isRecording = isRecording;
    this.recordButton.textContent = isRecording ? "Stop recording" : "Record";
    this.sign.textContent = isRecording ? "● Camera on, recording numbers" : "● Camera on";
  }

  recordingChanged({ recording, note }) {
    const was = this.isRecording;
    this.showRecording(recording);
    if (recording && this.saveClip.querySelector("input").checked) this.startClip();
    if (!recording) this.finishClip();
    if (note) {
      this.say(note);
      this.status.classList.add("is-fixed");
    }
    if (was && !recording) this.on.recorded();
  }

  // The browser itself keeps the clip, if the person wants that; it goes to his disk only.
  startClip() {
    const types = ["video/mp4;codecs=avc1", "video/webm;codecs=vp9", "video/webm"];
    const mimeType = types.find((type) => MediaRecorder.isTypeSupported(type));
    const parts = [];
    this.recorder = new MediaRecorder(this.stream, { mimeType, videoBitsPerSecond: 4e6 });
    this.recorder.ondataavailable = ({ data }) => parts.push(data);
    this.recorder.onstop = () => {
      const url = URL.createObjectURL(new Blob(parts, { type: mimeType }));
      save(url, `emosense-camera.${mimeType.includes("mp4") ? "mp4" : "webm"}`);
      setTimeout(() => URL.revokeObjectURL(url), 60000);
    };
    this.recorder.start(1000);
  }

  finishClip() {
    if (this.recorder?.state === "recording") this.recorder.stop();
    this.recorder = null;
  }

  toggleBaseline() {
    if (this.biases.size || this.baseline) {
      this.clearBaseline();
      this.say("Answers are absolute again.");
      return;
    }
    this.baseline = { until: (performance.now() - this.began) / 1000 + BASELINE_SECONDS, samples: new Map() };
    this.say(`Relax your face and look at the camera for ${BASELINE_SECONDS} seconds …`);
    this.status.classList.add("is-fixed");
  }

  collect(time, face) {
    const { baseline } = this;
    if (!baseline) return;
    if (!baseline.samples.has(face.person)) baseline.samples.set(face.person, []);
    baseline.samples.get(face.person).push(face.probabilities);
    if (time < baseline.until) return;
    this.baseline = null;
    for (const [person, samples] of baseline.samples) {
      if (samples.length >= 5) this.biases.set(person, biasOf(samples, this.data.neutral));
    }
    this.baselineButton.setAttribute("aria-pressed", String(this.biases.size > 0));
    this.say(this.biases.size
      ? "Answers are relative to your neutral face now; what is recorded stays absolute."
      : "No face was seen for long enough. Try again.");
    this.status.classList.add("is-fixed");
  }
}

function endTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}

function bytesOf(dataUrl) {
  const text = atob(dataUrl.slice(dataUrl.indexOf(",") + 1));
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function save(href, name) {
  const link = element("a", { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}
