// Boxes, names, verdicts and probabilities over the frame that is shown.

import { EMOTIONS, UNSURE } from "./frames.js";
import { colourOf } from "./colours.js";

const LABEL = 13; // pixels of the page

export function drawOverlay(canvas, shown, scale, nameOf) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  // What a test, or a person with the inspector, can compare with the picture below.
  canvas.dataset.frame = shown.exact ? String(shown.index) : "";
  canvas.dataset.faces = JSON.stringify(
    shown.faces.map(({ person, verdict }) => ({ person, verdict, exact: shown.exact })),
  );
  const unit = devicePixelRatio;
  context.font = `600 ${LABEL * unit}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  for (const face of shown.faces) drawFace(context, face, shown.exact, scale * unit, unit, nameOf);
}

function drawFace(context, face, exact, scale, unit, nameOf) {
  const colour = colourOf(face.verdict);
  const [x, y, width, height] = [face.x, face.y, face.width, face.height].map((v) => v * scale);
  context.globalAlpha = exact ? 1 : 0.55;
  context.strokeStyle = colour;
  context.lineWidth = 2.5 * unit;
  context.setLineDash(face.verdict === UNSURE ? [6 * unit, 4 * unit] : []);
  context.strokeRect(x, y, width, height);
  context.setLineDash([]);
  const percent = Math.round(100 * face.probabilities[face.top]);
  const text = `${nameOf(face.person)} · ${face.verdict} ${percent} %`;
  const high = (LABEL + 7) * unit;
  const wide = context.measureText(text).width + 10 * unit;
  const left = Math.max(0, Math.min(x, context.canvas.width - wide));
  const top = y >= high ? y - high : Math.min(y + height, context.canvas.height - high);
  context.fillStyle = "#10141Dd9";
  context.fillRect(left, top, wide, high);
  context.fillStyle = colour;
  context.fillRect(left, top, 3 * unit, high);
  context.fillStyle = "#FFFFFF";
  context.fillText(text, left + 6 * unit, top + high / 2);
  drawBars(context, face, x, y, width, height, unit);
  context.globalAlpha = 1;
}

// Seven bars below a box that is large enough for them.
function drawBars(context, face, x, y, width, height, unit) {
  if (width < 70 * unit) return;
  const gap = 2 * unit;
  const bar = (width - 6 * gap) / 7;
  const high = Math.min(26 * unit, height / 4);
  const bottom = y + height - 4 * unit;
  EMOTIONS.forEach((emotion, i) => {
    context.fillStyle = "#10141D80";
    context.fillRect(x + i * (bar + gap), bottom - high, bar, high);
    const size = high * face.probabilities[i];
    context.fillStyle = colourOf(emotion);
    context.fillRect(x + i * (bar + gap), bottom - size, bar, size);
  });
}
