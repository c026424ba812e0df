import type { ApolloServerPlugin } from '@apollo/server';

/** The `retryAfter` of an error is in the header too, where proxies and clients look; too many requests are a 429. */
export const tellRetryAfter: ApolloServerPlugin = {
  async requestDidStart() {
    return {
      async willSendResponse({ errors, response }) {
        const error = errors?.find(({ extensions }) => extensions.retryAfter !== undefined);
        if (!error) return;
        response.http.headers.set('retry-after', String(error.extensions.retryAfter));
        if (error.extensions.code === 'RATE_LIMITED') response.http.status = 429;
      },
    };
  },
};
