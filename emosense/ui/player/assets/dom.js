// Small helpers for elements. Texts are set as text, never as HTML: names come from people.

const HANDLERS = ["onblur", "onchange", "onclick", "onkeydown"];

// Attributes that are functions are handlers of events, e.g. onclick.
export function element(tag, attributes = {}, children = []) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made[name] = value;
    else if (value === null) continue;
    else if (typeof value === "boolean") made.toggleAttribute(name, value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function button(text, onClick, attributes = {}) {
  return element("button", { type: "button", onclick: onClick, ...attributes }, [text]);
}

// A button that may lose its purpose while it has the focus, which a disabled one could not keep.
export function buttonIf(isAvailable, text, onClick, attributes = {}) {
  return button(text, isAvailable ? onClick : null, isAvailable ? attributes : { ...attributes, "aria-disabled": "true" });
}

// Makes the children of an element those that are given. Nodes stay where they can, with their focus, caret
// and open lists: those of the same tag and data-key become like what is given.
export function patch(parent, children) {
  const free = new Set(parent.childNodes);
  const nodes = children.map((child) => {
    const fresh = typeof child === "string" ? document.createTextNode(child) : child;
    for (const node of free) {
      if (!isAlike(node, fresh)) continue;
      free.delete(node);
      update(node, fresh);
      return node;
    }
    return fresh;
  });
  for (const node of free) node.remove();
  arrange(parent, nodes);
}

function isAlike(node, fresh) {
  return node.nodeName === fresh.nodeName && node.dataset?.key === fresh.dataset?.key;
}

function update(node, fresh) {
  if (node.nodeType !== Node.ELEMENT_NODE) {
    if (node.data !== fresh.data) node.data = fresh.data;
    return;
  }
  for (const name of HANDLERS) node[name] = fresh[name];
  // What is being typed, and a list that may be open, is the user's until the focus leaves it.
  const isFocused = node.getRootNode().activeElement === node;
  if (isFocused && ["INPUT", "SELECT"].includes(node.tagName) && node.type !== "checkbox") return;
  for (const { name } of [...node.attributes]) if (!fresh.hasAttribute(name)) node.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  patch(node, [...fresh.childNodes]);
  if ("value" in node && node.value !== fresh.value && node.type !== "file") node.value = fresh.value;
  if ("checked" in node) node.checked = fresh.checked;
}

// Puts nodes in their order without moving the one that has the focus, which would lose it.
function arrange(parent, nodes) {
  if (nodes.every((node, i) => parent.childNodes[i] === node)) return;
  const { activeElement } = parent.getRootNode();
  const fixed = nodes.findIndex((node) => node.parentNode === parent && node.contains(activeElement));
  nodes.forEach((node, i) => {
    if (i !== fixed) parent.insertBefore(node, i < fixed ? nodes[fixed] : null);
  });
}
