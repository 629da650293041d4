# docker build -f utils/serving.Dockerfile -t unet . && docker run -p 127.0.0.1:8000:8000 unet
# from a folder that holds utils/serving.py and my_unet.onnx. TensorFlow is not needed.
FROM python:3.12-slim
RUN pip install --no-cache-dir "fastapi>=0.115" "uvicorn>=0.30" "onnxruntime>=1.22" "pillow>=10" "numpy>=2.0,<3"
WORKDIR /app
COPY utils/serving.py my_unet.onnx ./
USER nobody
EXPOSE 8000
HEALTHCHECK CMD python -c "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=2)"
CMD ["python", "serving.py", "my_unet.onnx", "--host", "0.0.0.0"]
