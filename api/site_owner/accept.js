const form = document.getElementById("accept");
const answer = document.getElementById("answer");
const send = document.getElementById("send");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  send.disabled = true;
  answer.textContent = "…";
  const token = decodeURIComponent(location.pathname.split("/").pop());
  const name = document.getElementById("name").value.trim();
  const body = { token, password: document.getElementById("password").value };
  if (name) body.name = name;
  try {
    const response = await fetch("/api/v1/site-owner/invitations/accept", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await response.json();
    if (response.ok) {
      form.remove();
      answer.textContent = `Done. You can log in as ${said.email} now.`;
    } else {
      answer.textContent = said.detail;
      send.disabled = false;
    }
  } catch {
    answer.textContent = "The server cannot be reached. Try again shortly.";
    send.disabled = false;
  }
});
