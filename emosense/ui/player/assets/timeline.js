// One timeline of the whole clip: a band of verdicts per person, curves of the chosen one, the playhead.

import { EMOTIONS, smoothed, UNSURE } from "./frames.js";
import { colourOf } from "./colours.js";

const BAND = 16;
const CURVES = 96;
const AXIS = 18;
const LABEL = 74;
const TICK = 56; // pixels that a label of the axis needs
const GAP_SECONDS = 1.5; // of two analysed frames, in their usual distances: a gap in the band

export class Timeline {
  constructor(canvas, frames) {
    this.canvas = canvas;
    this.frames = frames;
    this.duration = 1;
    this.start = 0; // of what is shown, in seconds
    this.end = 1;
    this.hidden = new Set(); // emotions whose curves are hidden
    this.window = 0; // of the curves' moving average, in seconds
    this.gap = null; // seconds without a face that interrupt band and curves; null for as above
    this.image = null;
  }

  setDuration(duration) {
    const isWhole = this.start === 0 && this.end === this.duration;
    this.duration = Math.max(duration, 0.04);
    if (isWhole || this.end > this.duration) [this.start, this.end] = [0, this.duration];
    this.image = null;
  }

  // Shows a stretch; a factor below 1 zooms in around a time.
  zoom(factor, time) {
    const span = Math.min(this.duration, Math.max(0.5, (this.end - this.start) * factor));
    const share = (time - this.start) / (this.end - this.start);
    this.start = Math.min(Math.max(0, time - share * span), this.duration - span);
    this.end = this.start + span;
    this.image = null;
  }

  // Keeps the playhead in view.
  follow(time) {
    const span = this.end - this.start;
    if (time >= this.start && time <= this.end) return;
    this.start = Math.min(Math.max(0, time - span / 10), this.duration - span);
    this.end = this.start + span;
    this.image = null;
  }

  timeAt(clientX) {
    const box = this.canvas.getBoundingClientRect();
    const share = (clientX - box.left - LABEL) / (box.width - LABEL);
    return Math.min(Math.max(this.start + share * (this.end - this.start), 0), this.duration);
  }

  x(time, width) {
    return LABEL + ((time - this.start) / (this.end - this.start)) * (width - LABEL);
  }

  draw(time, people, chosen, nameOf, { hovered, selection, edits }) {
    const unit = devicePixelRatio;
    const width = this.canvas.clientWidth;
    const height = people.length * (BAND + 4) + CURVES + AXIS;
    this.canvas.style.height = `${height}px`;
    const style = getComputedStyle(this.canvas);
    const key = [width, height, unit, this.frames.times.length, chosen, people.join(), style.color].join("|");
    if (this.image === null || this.key !== key) {
      this.canvas.width = width * unit;
      this.canvas.height = height * unit;
      const context = this.canvas.getContext("2d", { willReadFrequently: true });
      context.scale(unit, unit);
      this.drawAll(context, width, height, people, chosen, nameOf, style.color);
      this.drawStretches(context, width, height, selection, edits.state, style.color);
      this.image = context.getImageData(0, 0, Math.max(1, this.canvas.width), Math.max(1, this.canvas.height));
      this.key = key;
    }
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    context.putImageData(this.image, 0, 0);
    if (hovered !== null) {
      context.globalAlpha = 0.4;
      context.fillStyle = style.color;
      context.fillRect(this.x(hovered, width) - 0.5, 0, 1, height - AXIS);
      context.globalAlpha = 1;
    }
    const x = this.x(time, width);
    if (x < LABEL) return;
    context.fillStyle = style.color;
    context.fillRect(x - 1, 0, 2, height);
  }

  drawAll(context, width, height, people, chosen, nameOf, colour) {
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    people.forEach((person, row) => {
      const y = row * (BAND + 4);
      context.fillStyle = colour;
      context.globalAlpha = person === chosen ? 1 : 0.7;
      context.fillText(fitted(context, nameOf(person), LABEL - 8), 0, y + BAND / 2);
      context.globalAlpha = 1;
      this.drawBand(context, this.frames.people.get(person) ?? [], y, width);
    });
    const top = people.length * (BAND + 4) + 4;
    this.drawCurves(context, this.frames.people.get(chosen) ?? [], top, CURVES - 8, width, colour);
    this.drawAxis(context, height - AXIS, width, colour);
  }

  // Segments below the axis' labels, what is excluded and what is selected; cuts between scenes.
  drawStretches(context, width, height, selection, { segments, excluded }, colour) {
    const fill = ({ start, end }, top, high, style, alpha) => {
      const left = Math.max(this.x(start, width), LABEL);
      const right = Math.min(this.x(end, width), width);
      if (right <= left) return;
      context.globalAlpha = alpha;
      context.fillStyle = style;
      context.fillRect(left, top, Math.max(right - left, 1), high);
      context.globalAlpha = 1;
    };
    const body = height - AXIS;
    for (const stretch of excluded) fill(stretch, 0, body, "#7f8794", 0.55);
    for (const segment of segments) fill(segment, body - 3, 3, "#2457c5", 1);
    const { start, end } = selection;
    if (start !== null || end !== null) {
      const shown = { start: start ?? end - 0.01, end: end ?? start + 0.01 };
      if (shown.start < shown.end) fill(shown, 0, body, "#2457c5", 0.25);
    }
    context.fillStyle = colour;
    for (const time of this.frames.cuts) {
      const x = this.x(time, width);
      if (x < LABEL || x > width) continue;
      context.beginPath(); // a small triangle at the upper edge
      context.moveTo(x - 4, 0);
      context.lineTo(x + 4, 0);
      context.lineTo(x, 6);
      context.fill();
    }
  }

  largestStep() {
    return this.gap ?? GAP_SECONDS * this.step();
  }

  step() {
    const { times } = this.frames;
    return times.length > 1 ? (times[times.length - 1] - times[0]) / (times.length - 1) : 0.1;
  }

  drawBand(context, points, y, width) {
    const step = this.step();
    points.forEach(({ time, face }, i) => {
      const next = points[i + 1]?.time ?? time + step;
      const end = Math.min(next, time + this.largestStep());
      if (end < this.start || time > this.end) return;
      const left = Math.max(this.x(time, width), LABEL);
      const right = Math.max(this.x(end, width), left + 0.5);
      context.fillStyle = colourOf(face.verdict);
      context.fillRect(left, y, right - left + 0.5, BAND); // no hairline between neighbours
      if (face.verdict === UNSURE) hatch(context, left, y, right - left, BAND);
      if (face.poor) {
        context.fillStyle = "#10141D"; // a dark edge below: the picture of the face is poor
        context.fillRect(left, y + BAND - 2, right - left + 0.5, 2);
      }
    });
  }

  drawCurves(context, points, top, height, width, colour) {
    context.strokeStyle = colour;
    context.globalAlpha = 0.25;
    context.lineWidth = 1;
    for (const share of [0, 0.5, 1]) {
      const y = top + height * (1 - share);
      context.beginPath();
      context.moveTo(LABEL, y);
      context.lineTo(width, y);
      context.stroke();
    }
    context.globalAlpha = 1;
    context.save();
    context.beginPath();
    context.rect(LABEL, top - 4, width - LABEL, height + 8);
    context.clip();
    context.lineWidth = 1.6;
    const curves = smoothed(points, this.window);
    EMOTIONS.forEach((emotion, i) => {
      if (this.hidden.has(emotion)) return;
      context.strokeStyle = colourOf(emotion);
      context.beginPath();
      let before = -Infinity;
      for (const [p, { time }] of points.entries()) {
        const x = this.x(time, width);
        const y = top + height * (1 - curves[p][i]);
        if (time - before > this.largestStep()) context.moveTo(x, y);
        else context.lineTo(x, y);
        before = time;
      }
      context.stroke();
    });
    context.restore();
  }

  drawAxis(context, top, width, colour) {
    const span = this.end - this.start;
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find(
      (seconds) => (seconds / span) * (width - LABEL) >= TICK,
    ) ?? 1800;
    context.fillStyle = colour;
    context.textAlign = "center";
    for (let time = Math.ceil(this.start / step) * step; time <= this.end + 1e-9; time += step) {
      const x = Math.min(Math.max(this.x(time, width), LABEL + 14), width - 18);
      context.fillText(clock(time, step < 1), x, top + AXIS / 2 + 2);
    }
    context.textAlign = "left";
  }
}

function hatch(context, x, y, width, height) {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = "#10141D66";
  context.lineWidth = 1;
  for (let left = Math.floor(x / 6) * 6 - height; left < x + width; left += 6) {
    context.beginPath();
    context.moveTo(left, y + height);
    context.lineTo(left + height, y);
    context.stroke();
  }
  context.restore();
}

function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let short = text;
  while (short.length > 1 && context.measureText(`${short}…`).width > width) short = short.slice(0, -1);
  return `${short}…`;
}

export function clock(seconds, tenths = false) {
  const whole = Math.floor(seconds + (tenths ? 0 : 0.5));
  const text = `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  return tenths ? `${text}.${Math.floor((seconds - Math.floor(seconds) + 1e-9) * 10)}` : text;
}
