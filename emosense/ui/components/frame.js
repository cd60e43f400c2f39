// What Streamlit 1.67 lacks: a menu that closes after navigation on phones, a live region for screen
// readers, charts saved in light colours and as PNG too, and uploaders that offer a phone's photo gallery.

const TEST_SET = "image/*,.heic,.heif,.zip,.csv,.tsv,.gz,.bz2,.xz,.tar";
const NARROW = "(max-width: 767px)";

export default function () {
  if (window.emosenseFrame) return; // once per page, even if the component is mounted again
  window.emosenseFrame = true;
  const closeMenu = closeMenuAfterNavigation();
  saveChartsLight();
  const announce = liveRegion();
  let scheduled = false;
  const update = () => {
    scheduled = false;
    closeMenu();
    hintAtGallery();
    offerPng();
    announce();
  };
  new MutationObserver(() => {
    if (!scheduled) requestAnimationFrame(update);
    scheduled = true;
  }).observe(document.body, { childList: true, subtree: true });
  update();
}

// On narrow screens the menu covers the page, and Streamlit restores it as open.
function closeMenuAfterNavigation() {
  const sidebar = () => document.querySelector("[data-testid=stSidebar]");
  const close = () => {
    if (!matchMedia(NARROW).matches || !(sidebar()?.getBoundingClientRect().right > 0)) return;
    sidebar().querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
  };
  document.addEventListener("click", (event) => {
    // Where it was when it was pressed: what is pressed may have left the page by now.
    const ids = new Set(event.composedPath().map(({ dataset }) => dataset?.testid));
    const isOutside = !ids.has("stSidebar") && !ids.has("stExpandSidebarButton");
    if (ids.has("stSidebarNavLink") || isOutside) close();
  });
  document.addEventListener("keydown", ({ key }) => key === "Escape" && close());
  // A menu that is open before the first interaction was left open before a reload. It may be
  // rendered after this script, so it is closed on any DOM change until then.
  let interacted = false;
  for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(kind, () => (interacted = true), { capture: true, once: true });
  }
  return () => interacted || close();
}

// Screen readers announce only changes of a live region: this one stays in the page and takes over
// the text of the page's announcements.
function liveRegion() {
  const region = document.createElement("div");
  region.setAttribute("role", "status");
  region.setAttribute("aria-live", "polite");
  region.className = "emosense-unseen";
  document.body.append(region);
  return () => {
    const text = [...document.querySelectorAll(".emosense-announcement")]
      .map((element) => element.getAttribute("aria-description"))
      .join(" ");
    if (region.textContent !== text) region.textContent = text;
  };
}

// Sets the types that file pickers offer first; any other file can be dropped and is explained.
function hintAtGallery() {
  const inputs = "[data-testid=stFileUploader] input[type=file]:not([accept])";
  for (const input of document.querySelectorAll(inputs)) {
    const isTestSet = input.closest("[class*=st-key-own_set]");
    input.setAttribute("accept", isTestSet ? TEST_SET : "image/*,video/*,.heic,.heif,.zip");
  }
}

// Plotly's buttons are given by name, so that there is only one that saves, in one format.
function offerPng() {
  const buttons = ".js-plotly-plot .modebar-btn[data-title^='Download plot']:not(.emosense-format)";
  for (const svg of document.querySelectorAll(buttons)) {
    const png = svg.cloneNode(false);
    for (const [button, format] of [[svg, "SVG"], [png, "PNG"]]) {
      button.classList.add("emosense-format");
      button.textContent = button.dataset.format = format;
      for (const name of ["data-title", "aria-label"]) button.setAttribute(name, `Download plot as ${format}`);
    }
    svg.after(png);
  }
}

// Without this, the camera button on a dark page would save light lines for a dark background, in a
// font that only this page has.
function saveChartsLight() {
  const save = (event) => {
    const button = event.target.closest(".modebar-btn[data-attr=toImage], .modebar-btn");
    const chart = button?.closest(".js-plotly-plot");
    const format = button?.dataset.format?.toLowerCase();
    const toImage = chart?._fullLayout?._modeBar?.buttons.flat().find((b) => b.name === "toImage");
    if (!toImage || chart.layout?.meta?.light === undefined) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    toImage.click(withLightColours(chart, format));
  };
  document.addEventListener("click", save, true);
}

function withLightColours(chart, format) {
  const { text, grid, background } = chart.layout.meta.light;
  const layout = structuredClone(chart.layout);
  Object.assign(layout, { paper_bgcolor: background, plot_bgcolor: background });
  layout.font = { ...chart._fullLayout.font, color: text, family: "Arial, Helvetica, sans-serif" };
  layout.legend = { ...layout.legend, font: { ...layout.legend?.font, color: text } };
  for (const name of Object.keys(chart._fullLayout)) {
    if (!/^[xy]axis\d*$/.test(name)) continue;
    const axis = (layout[name] = { ...layout[name], color: text, gridcolor: grid, zerolinecolor: grid, automargin: true });
    axis.tickfont = { ...axis.tickfont, color: text };
    if (axis.title) axis.title = { ...axis.title, font: { ...axis.title.font, color: text } };
  }
  for (const note of layout.annotations ?? []) note.font = { ...note.font, color: text };
  const data = chart.data.map((trace) => {
    const light = { ...trace, ...trace.meta?.light };
    if (light.textfont?.color === undefined && trace.type !== "heatmap") {
      light.textfont = { ...light.textfont, color: text };
    }
    return light;
  });
  const { width, height } = chart._fullLayout;
  // Three pixels a point: enough for print.
  const options = { ...chart._context.toImageButtonOptions, ...(format === "png" && { format, scale: 3 }) };
  const _context = { ...chart._context, toImageButtonOptions: options };
  return { data, layout: { ...layout, width, height }, _context, config: {} };
}
