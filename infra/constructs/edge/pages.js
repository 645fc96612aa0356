// The site is static files. A page's address has no ending, its file has: /login is login.html.
function handler(event) {
  var request = event.request;
  var name = request.uri.slice(request.uri.lastIndexOf("/") + 1);
  if (name === "") {
    request.uri += "index.html";
  } else if (!name.includes(".")) {
    request.uri += ".html";
  }
  return request;
}
