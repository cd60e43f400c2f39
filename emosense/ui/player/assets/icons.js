// Icons as paths of 24 x 24 units: no font has to be there.

const PATHS = {
  play: "M8 5v14l11-7z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  back: "M6 5h2.5v14H6zM18 5v14L9.5 12z",
  forward: "M15.5 5H18v14h-2.5zM6 5v14l8.5-7z",
  slower: "M5 11h14v2H5z",
  faster: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  sound: "M4 9v6h4l5 5V4L8 9zM15.5 8.5v7a4 4 0 0 0 0-7z",
  muted: "M4 9v6h4l5 5V4L8 9zM15 9.5l1.4-1.4L18.5 10.2l2.1-2.1L22 9.5l-2.1 2.1L22 13.7l-1.4 1.4-2.1-2.1-2.1 2.1L15 13.7l2.1-2.1z",
  in: "M10 4a6 6 0 1 0 3.9 10.6l4.7 4.8 1.4-1.4-4.8-4.7A6 6 0 0 0 10 4zm0 2a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM9 7.500h2v1.500h1.500v2H11v1.500H9V11H7.500V9H9z",
  out: "M10 4a6 6 0 1 0 3.9 10.6l4.7 4.8 1.4-1.4-4.8-4.7A6 6 0 0 0 10 4zm0 2a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM7.500 9h5v2h-5z",
  undo: "M9 5 4 10l5 5v-3.500h4.500a3.500 3.500 0 0 1 0 7H8v2h5.500a5.500 5.500 0 0 0 0-11H9z",
  redo: "M15 5l5 5-5 5v-3.500h-4.500a3.500 3.500 0 0 0 0 7H16v2h-5.500a5.500 5.500 0 0 1 0-11H15z",
};

export function icon(name) {
  return `<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="${PATHS[name]}" fill="currentColor"/></svg>`;
}

export function setIcon(button, name) {
  if (button.dataset.icon === name) return;
  button.dataset.icon = name;
  button.innerHTML = icon(name);
}
