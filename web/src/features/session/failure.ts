import type { Problem } from "./session";

/** A refusal of the API. `problem.detail` is a sentence for people. */
export class ApiFailure extends Error {
  constructor(
    readonly problem: Problem,
    readonly status: number,
  ) {
    super(problem.detail);
  }
}

/** Return the data of an answer. Throw ApiFailure if the API refused the request. */
export function demand<Data>(answer: { data?: Data; error?: Problem; response: Response }): Data {
  if (answer.error !== undefined || !answer.response.ok) {
    const status = answer.response.status;
    const nothing = { type: "about:blank", title: "", code: "unknown", detail: "", requestId: "", status };
    throw new ApiFailure(answer.error ?? (nothing as Problem), status);
  }
  return answer.data as Data;
}
