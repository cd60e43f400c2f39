// The component's entry: the camera's modules come from the app's own routes.

const cameras = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  const element = parentElement.querySelector(".camera");
  const known = cameras.get(element);
  if (known?.address === data.address) return;
  const isOn = (known?.camera ?? known)?.isOn ?? false;
  known?.camera?.close();
  const mounted = { address: data.address, camera: null, isOn }; // isOn: until its scripts have come
  cameras.set(element, mounted);
  const on = {
    recorded: () => setTriggerValue("recorded", true),
    unknown: () => setTriggerValue("unknown", true), // the page runs again, for another address
  };
  import(new URL(`${data.root}/camera/assets/camera.js`, document.baseURI).href).then(({ show }) => {
    if (cameras.get(element) === mounted) mounted.camera = show(element, data, on, isOn);
  });
  return () => {
    if (element.isConnected) return; // Streamlit calls this before each update, too
    mounted.camera?.close();
    cameras.delete(element);
  };
}
