// The component's entry: the player's modules come from the app's own routes.

const players = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  const element = parentElement.querySelector(".player");
  const known = players.get(element);
  if (known?.address === data.address) return;
  known?.stop();
  const player = { address: data.address, stop: () => {} };
  players.set(element, player);
  import(new URL(`${data.root}/assets/player.js`, document.baseURI).href).then(({ start }) => {
    if (players.get(element) === player) player.stop = start(element, data, () => setTriggerValue?.("edited", true));
  }).catch(() => {
    if (players.get(element) === player) element.textContent = "The player could not be loaded. Reload the page to try again.";
  });
  return () => {
    if (element.isConnected) return; // Streamlit calls this before each update, too
    player.stop();
    players.delete(element);
  };
}
