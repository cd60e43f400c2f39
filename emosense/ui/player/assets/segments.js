// Named segments with their statistics, and excluded stretches.

import { colourOf } from "./colours.js";
import { button, buttonIf, element, patch } from "./dom.js";
import { EMOTIONS, statistics, within } from "./frames.js";
import { keyed } from "./rebase.js";
import { clock } from "./timeline.js";

const percent = (value) => `${Math.round(100 * value)} %`;

export class Segments {
  constructor(root, player) {
    this.root = root;
    this.player = player;
    this.open = null; // key of the segment whose statistics are shown
  }

  draw() {
    const { player } = this;
    const { edits } = player;
    const { start, end } = player.selection;
    const isWhole = start !== null && end !== null && start < end;
    const stretch = isWhole
      ? `${clock(start, true)} to ${clock(end, true)}`
      : start !== null ? `from ${clock(start, true)}` : end !== null ? `to ${clock(end, true)}` : "none";
    const tools = element("div", { class: "tools" }, [
      button("Mark start", () => player.act("markStart"), { title: "Mark start ([)" }),
      button("Mark end", () => player.act("markEnd"), { title: "Mark end (])" }),
      element("span", { class: "note", "data-role": "selection" }, [`Selected: ${stretch}`]),
      buttonIf(isWhole, "Add segment", () => this.add(start, end)),
      buttonIf(isWhole, "Exclude", () => this.exclude(start, end)),
      player.frames.biases.size
        ? button("Absolute again", () => this.neutral(null))
        : buttonIf(isWhole, "Neutral here", () => this.neutral({ start, end }), {
            title: "Show answers relative to the faces of this stretch, in which people are at rest",
          }),
    ]);
    const rows = [...keyed(edits.state.segments)].map(([key, segment], i) => this.row(segment, i, key));
    const excluded = [...keyed(edits.state.excluded)].map(([key, one], i) =>
      element("div", { class: "segment", "data-key": `excluded ${key}` }, [
        element("span", { class: "note" }, ["excluded"]),
        this.times(one),
        button("Include again", () => this.remove("excluded", i)),
      ]),
    );
    patch(this.root, [tools, ...rows, ...excluded]);
  }

  times({ start, end }) {
    return button(`${clock(start, true)} to ${clock(end, true)}`, () => this.player.seek(start), { class: "name" });
  }

  row(segment, i, key) {
    const { edits } = this.player;
    const onchange = ({ target }) => {
      const name = target.value.trim() || `Segment ${i + 1}`;
      target.value = name;
      edits.change({ segments: edits.state.segments.map((other, j) => (j === i ? { ...other, name } : other)) });
    };
    const input = element("input", { type: "text", maxlength: "80", value: segment.name, "aria-label": "Name of the segment", onchange });
    const isOpen = this.open === key;
    const toggle = () => {
      this.open = isOpen ? null : key;
      this.player.drawPanels();
    };
    const row = element("div", { class: "segment" }, [
      input,
      this.times(segment),
      button("Statistics", toggle, { "aria-expanded": String(isOpen) }),
      button("Remove", () => this.remove("segments", i), { "aria-label": `Remove ${segment.name}` }),
    ]);
    return element("div", { "data-key": `segment ${key}` }, isOpen ? [row, this.table(segment)] : [row]);
  }

  // Per person: seconds seen, share of time unsure, and per emotion share, mean and peak.
  table({ start, end }) {
    const { frames, edits } = this.player;
    const head = ["person", "seen", ...EMOTIONS, "unsure"].map((text) => element("th", { scope: "col" }, [text]));
    const rows = this.player.people().map((person) => {
      const found = statistics(within(frames.people.get(person), start, end));
      if (!found.seconds) return null;
      const cells = EMOTIONS.map((emotion, i) => {
        const cell = element("td", { title: `peak at ${clock(found.peak[i].time, true)}` }, [
          element("strong", {}, [percent(found.share[emotion])]),
          element("small", {}, [`mean ${percent(found.mean[i])}, peak ${percent(found.peak[i].value)}`]),
        ]);
        cell.style.setProperty("--colour", colourOf(emotion));
        return cell;
      });
      const unsure = element("td", {}, [element("strong", {}, [percent(found.share.unsure)])]);
      return element("tr", {}, [
        element("th", { scope: "row" }, [edits.nameOf(person)]),
        element("td", {}, [`${found.seconds.toFixed(1)} s`]), ...cells, unsure,
      ]);
    });
    const body = rows.filter(Boolean);
    if (!body.length) return element("p", { class: "note" }, ["Nobody is seen in this segment."]);
    return element("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Statistics of the segment" }, [
      element("table", {}, [
        element("caption", {}, ["Share of the time seen; mean and highest probability"]),
        element("thead", {}, [element("tr", {}, head)]),
        element("tbody", {}, body),
      ]),
    ]);
  }

  add(start, end) {
    const { edits } = this.player;
    const name = `Segment ${edits.state.segments.length + 1}`;
    const segments = [...edits.state.segments, { name, start, end }];
    this.open = [...keyed(segments).keys()].at(-1);
    this.player.select(null, null);
    edits.change({ segments });
    const input = [...this.root.querySelectorAll(".segment input")].at(-1);
    input?.focus();
    input?.select();
  }

  // What is shown changes; files hold the absolute values.
  neutral(stretch) {
    const { player } = this;
    player.frames.setNeutral(stretch, player.data.neutral ?? new Array(7).fill(0));
    player.select(null, null);
    const count = player.frames.biases.size;
    player.announce(!stretch ? "Answers are absolute again." : count
      ? "Answers are relative to the neutral faces of this stretch; files hold the absolute values."
      : "Nobody is seen in this stretch.");
  }

  exclude(start, end) {
    const { edits } = this.player;
    this.player.select(null, null);
    edits.change({ excluded: [...edits.state.excluded, { start, end }] });
  }

  remove(list, i) {
    const { edits } = this.player;
    if (list === "segments") this.open = null;
    edits.change({ [list]: edits.state[list].filter((_, j) => j !== i) });
  }
}
