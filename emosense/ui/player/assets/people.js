// The people of a clip: with a picture and their shares of time; renamed, merged, split and hidden.

import { colourOf } from "./colours.js";
import { button, element, patch } from "./dom.js";
import { statistics, VERDICTS } from "./frames.js";
import { freshPerson } from "./rebase.js";
import { clock } from "./timeline.js";

const SHORT = 0.5; // seconds

export class People {
  constructor(root, player) {
    this.root = root;
    this.player = player;
    this.renamed = null; // person whose name is being typed
  }

  draw() {
    const { player } = this;
    const { frames, edits } = player;
    const people = player.people();
    const { min_seconds: least, hidden } = edits.state;
    if (!frames.people.has(this.renamed)) this.renamed = null;
    const rows = people.map((person) => this.row(person, people));
    const tools = element("div", { class: "tools" });
    if (people.length) {
      const name = edits.nameOf(player.chosen);
      // It does nothing where it is not available, so that it keeps the focus while the clip plays.
      tools.append(button(`Split ${name} here`, () => this.split(), { class: "split", "aria-disabled": String(!this.canSplit()) }));
      const onchange = ({ target }) => edits.change({ min_seconds: target.checked ? SHORT : 0 });
      tools.append(element("label", {}, [
        element("input", { type: "checkbox", checked: least > 0, onchange }),
        ` Leave out people seen for less than ${SHORT} s`,
      ]));
    }
    const byHand = hidden.filter((person) => frames.hidden.has(person));
    const left = frames.hidden.size - byHand.length;
    const shown = byHand.map((person) =>
      button(`Show ${edits.nameOf(person)}`, () => edits.change({ hidden: hidden.filter((other) => other !== person) }), {
        "data-key": `show ${person}`,
      }),
    );
    const note = left ? [element("span", { class: "note" }, [`${left} left out.`])] : [];
    patch(this.root, [...rows, tools, ...(shown.length || left ? [element("div", { class: "tools" }, [...shown, ...note])] : [])]);
  }

  row(person, people) {
    const { player } = this;
    const { frames, edits } = player;
    const points = frames.people.get(person);
    const { seconds, share } = statistics(points);
    const name = edits.nameOf(person);
    const isChosen = person === player.chosen;
    const picture = player.pictureOf(person);
    const face = picture ? element("img", { src: picture, alt: "" }) : element("span", { class: "nobody", "aria-hidden": "true" });
    const title = button(name, () => player.choosePerson(person, points[0].time), {
      class: "name", "data-key": "name", "aria-pressed": String(isChosen), title: `${name}: go to ${clock(points[0].time, true)}`,
    });
    const top = VERDICTS.reduce((best, verdict) => (share[verdict] > share[best] ? verdict : best));
    const bar = element("span", { class: "shares", role: "img", "aria-label": `mostly ${top}, ${Math.round(100 * share[top])} % of the time` },
      VERDICTS.filter((verdict) => share[verdict] > 0).map((verdict) => {
        const part = element("span", { title: `${verdict} ${Math.round(100 * share[verdict])} %` });
        part.style.cssText = `flex: ${share[verdict]}; background: ${colourOf(verdict)}`;
        return part;
      }));
    const others = people.filter((other) => other !== person);
    const onchange = ({ target }) => {
      const into = Number(target.value);
      target.value = "";
      this.merge(person, into);
    };
    const merge = element("select", { "data-key": "merge", "aria-label": `Merge ${name} into`, disabled: !others.length, onchange }, [
      element("option", { value: "" }, ["Merge into …"]),
      ...others.map((other) => element("option", { value: String(other) }, [edits.nameOf(other)])),
    ]);
    const label = this.renamed === person ? this.nameInput(person) : title;
    return element("div", { class: "person", "data-key": `person ${person}`, "data-person": String(person) }, [
      face, label,
      element("span", { class: "seen" }, [`${seconds.toFixed(1)} s`]),
      bar,
      button("Rename", () => this.rename(person), { "data-key": "rename", "aria-label": `Rename ${name}` }),
      merge,
      button("Hide", () => edits.change({ hidden: [...edits.state.hidden, person] }), {
        "data-key": "hide", "aria-label": `Hide ${name}`,
      }),
    ]);
  }

  rename(person) {
    this.renamed = person;
    this.player.drawPanels();
    const input = this.root.querySelector("input[type=text]");
    input?.focus();
    input?.select();
  }

  nameInput(person) {
    const { edits } = this.player;
    const finish = (input, keep) => {
      if (this.renamed !== person) return;
      this.renamed = null;
      const names = { ...edits.state.names };
      const name = input.value.trim();
      if (name) names[person] = name;
      else delete names[person];
      if (keep && name !== (edits.state.names[person] ?? "")) edits.change({ names });
      else this.player.drawPanels();
    };
    return element("input", {
      type: "text", maxlength: "80", value: edits.state.names[person] ?? "", placeholder: `Person ${person}`,
      "data-key": "input", "aria-label": `Name of person ${person}`,
      onblur: ({ target }) => finish(target, true),
      onkeydown: (event) => {
        if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
        event.preventDefault(); // or Enter presses the button that has the focus then
        finish(event.target, event.key === "Enter");
        this.root.querySelector(`[data-person="${person}"] [data-key=rename]`)?.focus();
      },
    });
  }

  merge(person, into) {
    if (!into) return;
    const { frames, edits } = this.player;
    const together = frames.faces.filter((faces) =>
      [person, into].every((one) => faces.some((face) => face.person === one)),
    ).length;
    const names = { ...edits.state.names };
    if (names[person] && !names[into]) names[into] = names[person];
    const message = together
      ? `${edits.nameOf(person)} and ${edits.nameOf(into)} are both in ${together} analysed frames: there they stay two.`
      : `${edits.nameOf(person)} is now ${edits.nameOf(into)}.`;
    this.player.chosen = into;
    edits.change({ people: [...edits.state.people, { kind: "merge", person, into }], names });
    this.player.announce(message);
  }

  // From the frame that is shown on: it must not be the first of the person.
  splitTime() {
    const { frames, chosen, time } = this.player;
    const points = frames.people.get(chosen) ?? [];
    const next = points.find((point) => point.time >= time - 1e-3);
    return next && next !== points[0] ? next.time : null;
  }

  canSplit() {
    return this.splitTime() !== null;
  }

  split() {
    const time = this.splitTime();
    if (time === null) return;
    const { frames, edits, chosen } = this.player;
    const fresh = freshPerson(edits.state.people, frames.tracked());
    edits.change({ people: [...edits.state.people, { kind: "split", person: chosen, time, new: fresh }] });
    this.player.announce(`${edits.nameOf(chosen)} is ${edits.nameOf(fresh)} from ${clock(time, true)} on.`);
  }
}

