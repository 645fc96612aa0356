// Media URLs begin with /media/, object keys do not. CloudFront has checked the signature before it calls this.
function handler(event) {
  var request = event.request;
  request.uri = request.uri.slice("/media".length);
  return request;
}
