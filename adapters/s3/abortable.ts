/** The SDK's options for a call that ends with its signal. */
export function abortable({ signal }: { readonly signal?: AbortSignal | undefined }): {
  abortSignal?: AbortSignal;
} {
  return signal === undefined ? {} : { abortSignal: signal };
}
