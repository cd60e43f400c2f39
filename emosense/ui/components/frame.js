// What Streamlit 1.67 leaves to the app: a menu that gets out of the way, results that screen
// readers hear, charts that are saved light, and uploaders that offer a phone's gallery.

const NARROW = "(max-width: 767px)";

export default function () {
  if (window.emosenseFrame) return; // one for the page, however often the component is mounted
  window.emosenseFrame = true;
  const closeMenu = closeMenuAfterChoice();
  saveChartsLight();
  const announce = liveRegion();
  let waiting = false;
  const look = () => {
    waiting = false;
    closeMenu();
    hintAtGallery();
    announce();
  };
  new MutationObserver(() => {
    if (!waiting) requestAnimationFrame(look);
    waiting = true;
  }).observe(document.body, { childList: true, subtree: true });
  look();
}

// On narrow screens the menu lies over the page, and Streamlit remembers it as open.
function closeMenuAfterChoice() {
  const sidebar = () => document.querySelector("[data-testid=stSidebar]");
  const close = () => {
    if (!matchMedia(NARROW).matches || !(sidebar()?.getBoundingClientRect().right > 0)) return;
    sidebar().querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
  };
  document.addEventListener("click", ({ target }) => {
    const inside = target.closest("[data-testid=stSidebar]");
    const opener = target.closest("[data-testid=stExpandSidebarButton]");
    if (target.closest("[data-testid=stSidebarNavLink]") || (!inside && !opener)) close();
  });
  document.addEventListener("keydown", ({ key }) => key === "Escape" && close());
  // What is open before anybody has touched the page was left open before a reload. The menu may
  // come after this script, so it is looked for until then.
  let touched = false;
  for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(kind, () => (touched = true), { capture: true, once: true });
  }
  return () => touched || close();
}

// A live region speaks only of changes: it stays, and takes over what a page announces.
function liveRegion() {
  const region = document.createElement("div");
  region.setAttribute("role", "status");
  region.setAttribute("aria-live", "polite");
  region.className = "emosense-unseen";
  document.body.append(region);
  return () => {
    const said = [...document.querySelectorAll(".emosense-announcement")]
      .map((element) => element.getAttribute("aria-description"))
      .join(" ");
    if (region.textContent !== said) region.textContent = said;
  };
}

// Any file may be dropped and is answered in words; these are what pickers offer first.
function hintAtGallery() {
  const inputs = "[data-testid=stFileUploader] input[type=file]:not([accept])";
  for (const input of document.querySelectorAll(inputs)) {
    input.setAttribute("accept", "image/*,video/*,.heic,.heif,.zip");
  }
}

// The camera button of a chart on a dark page would save light lines for a dark ground, and a font
// that only this page has.
function saveChartsLight() {
  const save = (event) => {
    const button = event.target.closest(".modebar-btn[data-attr=toImage], .modebar-btn");
    const chart = button?.closest(".js-plotly-plot");
    const own = chart?._fullLayout?._modeBar?.buttons.flat().find((b) => b.name === "toImage");
    if (!own || chart.layout?.meta?.light === undefined) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    own.click(lightened(chart));
  };
  document.addEventListener("click", save, true);
}

function lightened(chart) {
  const { text, grid, ground } = chart.layout.meta.light;
  const layout = structuredClone(chart.layout);
  Object.assign(layout, { paper_bgcolor: ground, plot_bgcolor: ground });
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
  return { data, layout: { ...layout, width, height }, _context: chart._context, config: {} };
}
