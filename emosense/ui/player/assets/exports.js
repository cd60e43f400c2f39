// Files of the analysis with its edits, and the project file that holds the edits.

import { button, element, patch } from "./dom.js";

export class Exports {
  constructor(root, player) {
    this.root = root;
    this.player = player;
  }

  draw() {
    const { player } = this;
    if (!player.frames.complete) {
      const text = player.gone ?? "Files can be saved when the analysis is done.";
      patch(this.root, [element("span", { class: "note" }, [text])]);
      return;
    }
    const links = player.data.exports.map(([name, label]) => {
      const href = `${player.clip}/exports/${name}`;
      const onclick = (event) => this.save(event, href);
      return element("a", { href, download: "", "data-export": name, "data-key": name, onclick }, [label]);
    });
    const onchange = ({ target }) => target.files.length && player.edits.loadProject(target.files[0]);
    const input = element("input", { type: "file", accept: ".json,application/json", hidden: true, onchange });
    const load = button("Load a project", () => this.root.querySelector("input").click());
    patch(this.root, [...links, load, input]);
  }

  async save(event, href) {
    event.preventDefault();
    await this.player.edits.refresh(); // the file holds what is on the screen
    const link = element("a", { href, download: "" });
    this.root.append(link);
    link.click();
    link.remove();
  }
}
