// The component's entry: the camera's modules come from the app's own routes.

const shown = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  const element = parentElement.querySelector(".camera");
  const known = shown.get(element);
  if (known?.address === data.address) return;
  known?.stop();
  const camera = { address: data.address, stop: () => {} };
  shown.set(element, camera);
  const recorded = () => setTriggerValue("recorded", true);
  import(new URL(`${data.root}/camera/assets/camera.js`, document.baseURI).href).then(({ start }) => {
    if (shown.get(element) === camera) camera.stop = start(element, data, recorded);
  });
  return () => {
    if (element.isConnected) return; // Streamlit calls this before each update, too
    camera.stop();
    shown.delete(element);
  };
}
