// Files of the analysis with its edits, and the project file that holds the edits.

import { button, element } from "./dom.js";

export class Exports {
  constructor(root, player) {
    this.root = root;
    this.player = player;
  }

  draw() {
    const { player } = this;
    if (!player.frames.complete) {
      this.root.replaceChildren(element("span", { class: "note" }, [player.gone ?? "Files can be saved when the analysis is done."]));
      return;
    }
    const links = player.data.exports.map(([name, label]) => {
      const link = element("a", { href: `${player.clip}/exports/${name}`, download: "", "data-export": name }, [label]);
      link.addEventListener("click", async (event) => {
        event.preventDefault();
        await player.edits.refresh(); // the file holds what is on the screen
        const hidden = element("a", { href: link.href, download: "" });
        this.root.append(hidden);
        hidden.click();
        hidden.remove();
      });
      return link;
    });
    const input = element("input", { type: "file", accept: ".json,application/json", hidden: true });
    input.addEventListener("change", () => input.files.length && player.edits.loadProject(input.files[0]));
    this.root.replaceChildren(...links, button("Load a project", () => input.click()), input);
  }
}
