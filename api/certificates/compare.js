const choose = document.getElementById("file");
const said = document.getElementById("said");
choose.addEventListener("change", async () => {
  const file = choose.files[0];
  if (!file) return;
  if (!window.crypto || !crypto.subtle) {
    said.textContent = "This browser compares files only over HTTPS. Use: dynamo verify FILE";
    return;
  }
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const same = hex === document.getElementById("sha256").textContent;
  said.className = same ? "good" : "bad";
  said.textContent = same
    ? "It is this certificate, byte for byte."
    : "It is not this certificate: it was altered, saved anew, or is another one.";
});
