// The place of a part further down: tells the page when it comes into the window.

export default function ({ parentElement, data, setStateValue }) {
  const place = parentElement.querySelector(".emosense-deferred");
  place.style.height = `${data.height}px`;
  place.setAttribute("aria-label", data.alt);
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    setStateValue("reached", true);
  });
  observer.observe(place);
  return () => observer.disconnect();
}
