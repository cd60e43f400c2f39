// The component's entry: the camera's modules come from the app's own routes.

const cameras = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  const element = parentElement.querySelector(".camera");
  const known = cameras.get(element);
  if (known?.data.address === data.address) {
    known.data = data;
    known.camera?.update(data);
  } else {
    const isOn = (known?.camera ?? known)?.isOn ?? false;
    known?.camera?.close();
    mount(element, { data, camera: null, isOn }, setTriggerValue);
  }
  // Streamlit calls this before each update, too, and forgets it if an update returns none.
  return () => {
    if (element.isConnected) return;
    cameras.get(element)?.camera?.close();
    cameras.delete(element);
  };
}

// mounted.isOn says whether the camera shall be on once its scripts have come.
function mount(element, mounted, setTriggerValue) {
  const { root } = mounted.data;
  cameras.set(element, mounted);
  const on = {
    recorded: () => setTriggerValue("recorded", true),
    unknown: () => setTriggerValue("unknown", true), // the page runs again, for another address
  };
  import(new URL(`${root}/camera/assets/camera.js`, document.baseURI).href).then(({ show }) => {
    if (cameras.get(element) === mounted) mounted.camera = show(element, mounted.data, on, mounted.isOn);
  });
}
